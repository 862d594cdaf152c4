#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The programs as a user meets them: exit codes, lines, JSON, files. Uses a small network of its own making.
"""usage: programs.py SOURCE_ROOT BUILD_ROOT"""
import json
import math
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
DATA = os.environ.get('XAI_TEST_DATA')
COMMANDS = ['classify', 'layers', 'cam', 'saliency', 'occlusion', 'rise', 'lime', 'shap', 'visualize', 'influence', 'nbdt', 'hierarchy induce',
            'hierarchy show', 'hierarchy convert', 'tree fit',
            'tree predict', 'tree explain', 'tree show', 'tree prune', 'convert', 'bench', 'info']
LABELS = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']


class Skip(Exception):
    """Raised with the reason."""


class Result:
    """What a program said and how it ended."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def fails(self, code, *words):
        """One line on stderr that holds the words."""
        assert self.code == code, (self.code, self.out, self.err)
        assert self.err.count('\n') == 1, self.err
        for word in words:
            assert word in self.err, (word, self.err)

    def fails_lines(self, code, *words):
        """A line on stderr for each of the words."""
        lines = self.err.splitlines()
        assert self.code == code and len(lines) == len(words), (self.code, self.out, self.err)
        assert all(word in line for word, line in zip(words, lines)), (words, lines)

    def works(self):
        assert self.code == 0 and self.err == '', (self.code, self.out, self.err)
        return self.out


def run(program, *arguments, cwd=None, env=None):
    """Runs a program of this build in an empty cache, so that no installed model gets in the way."""
    environment = {key: value for key, value in os.environ.items() if key != 'XAI_MODEL'}
    environment.update({'XDG_CACHE_HOME': WORK, **(env or {})})
    return Result(subprocess.run([os.path.join(BUILD, 'examples', program), *arguments], capture_output=True, text=True,
                                 cwd=cwd or WORK, env=environment, timeout=600, check=False))


def xai(*arguments, **keywords):
    return run('xai', *arguments, **keywords)


# A network, a picture: made here, so that the tests need no file of anyone else.

def cifar_resnet20():
    """(name, shape) of the state dict of He et al.'s CIFAR ResNet with 20 layers."""
    def norm(name, channels):
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            yield f'{name}.{part}', [channels]

    yield 'conv1.weight', [16, 3, 3, 3]
    yield from norm('bn1', 16)
    before = 16
    for stage, channels in enumerate((16, 32, 64), 1):
        for block in range(3):
            path = f'layer{stage}.{block}'
            yield f'{path}.conv1.weight', [channels, before, 3, 3]
            yield from norm(f'{path}.bn1', channels)
            yield f'{path}.conv2.weight', [channels, channels, 3, 3]
            yield from norm(f'{path}.bn2', channels)
            before = channels
    yield 'linear.weight', [10, 64]
    yield 'linear.bias', [10]


def write_weights(path):
    """Random numbers under the right names, as safetensors."""
    generator, header, body = random.Random(7), {}, b''
    for name, shape in cifar_resnet20():
        count = 1
        for extent in shape:
            count *= extent
        fan_in = count // shape[0] if len(shape) > 1 else 0
        spread = (2 / fan_in) ** 0.5 if fan_in else 0.1
        centre = 1 if name.endswith('running_var') or ('bn' in name and name.endswith('weight')) else 0
        values = [centre + generator.uniform(-1, 1) * spread * (1 if centre == 0 else 0.5) for _ in range(count)]
        data = struct.pack(f'<{count}f', *values)
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + body)


def write_manifest(path, **members):
    manifest = {'xai': 1, 'arch': 'cifar_resnet20', 'weights': 'net.safetensors', 'labels': LABELS,
                'input': {'resize': 32, 'crop': [32, 32], 'interpolation': 'bilinear', 'scale': 1 / 255,
                          'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.225], 'channels': 'RGB'}}
    manifest.update(members)
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(manifest, file)


def write_picture(path, seed, width=40, height=36):
    """A PNG of noise and a bright square."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    generator = random.Random(seed)
    rows = b''
    for y in range(height):
        rows += b'\0' + bytes(255 if 8 <= x // 3 < 20 and 5 <= y < 25 else generator.randrange(200)
                              for x in range(3 * width))
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) +
                   chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def needs(*formats):
    missing = set(formats) - set(json.loads(xai('info', '--json').works())['pictures'])
    if missing:
        raise Skip(f'built without {", ".join(sorted(missing))}')


def data(path):
    if not DATA or not os.path.exists(os.path.join(DATA, path)):
        raise Skip(f'{path}: XAI_TEST_DATA {"has no such file" if DATA else "is not set"}')
    return os.path.join(os.path.abspath(DATA), path)


def installed_model():
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    path = os.path.join(cache, 'xai', 'default.json')
    if not os.path.exists(path):
        raise Skip('the default model is not installed; `bash examples/run` installs it')
    return path


def folder(name):
    path = os.path.join(WORK, name)
    os.makedirs(path, exist_ok=True)
    return path


def npy_shape(path):
    with open(path, 'rb') as file:
        head = file.read(256)
    assert head[:6] == b'\x93NUMPY' and b"'<f4'" in head, head
    return eval(head[head.index(b"'shape':") + 8:head.index(b')') + 1].decode(), {'__builtins__': {}})


NET = ('-m', 'net.json')


# Usage.

def test_usage():
    nothing = xai()
    assert nothing.code == 2 and nothing.out == '' and 'usage: xai' in nothing.err
    listing = xai('--help').works()
    assert all(f'\n  {command} ' in listing for command in COMMANDS), listing
    assert xai('--version').works() == 'xai 0.1.0\n'
    xai('clairvoyance').fails(2, 'xai: clairvoyance')


def test_help_on_every_command():
    for command in COMMANDS:
        text = xai(*command.split(), '--help').works()
        assert text.startswith(f'usage: xai {command}'), text
    for program in ('step_2_pretrained', 'step_3_cam', 'step_4_nbdt', 'cover', 'dndt_ensemble', 'dream', 'white_and_black'):
        assert run(program, '--help').works().startswith(f'usage: {program} ')


def test_help_offers_what_there_is():
    assert xai('hierarchy', '--help').works().count('xai hierarchy ') == 3
    xai('hierarchy').fails(2, 'hierarchy induce, hierarchy show, hierarchy convert')
    xai('hierarchy', 'grow').fails(2, 'hierarchy induce')
    xai('hier').fails(2, 'no such command')


def test_misuse_is_exit_2():
    xai('classify').fails(2, 'xai: ', 'usage: xai classify')
    xai('convert', 'a').fails(2, 'usage: xai convert')
    xai('info', 'a').fails(2, 'a: one argument too many')
    xai('info', '--frobnicate').fails(2, '--frobnicate')
    xai('info', '-k', '5').fails(2, '-k')
    xai('classify', '--threads', '0', 'a.png').fails(2, '--threads', '"0"')
    xai('classify', '--threads', 'many', 'a.png').fails(2, 'many')
    xai('classify', '--mean', '1,2', 'a.png').fails(2, '--mean', '1,2')
    xai('classify', '--std=1,2,x', 'a.png').fails(2, '--std')
    xai('classify', '--scale', '0', 'a.png').fails(2, '--scale')
    xai('classify', '--scale', 'nan', 'a.png').fails(2, '--scale')
    xai('classify', 'a.png', '-k').fails(2, '-k')
    xai('classify', '--json=yes', 'a.png').fails(2, '--json')
    xai('classify', '--arch', 'resnet18', 'a.png').fails(2, '--weights')
    xai('classify', '-m', 'm.json', '--arch', 'resnet18', 'a.png').fails(2, '--arch')


def test_failures_name_the_thing():
    xai('classify', 'a.png').fails(1, 'xai: ', 'default.json', 'examples/run')
    xai('classify', '-m', 'no/such.json', 'a.png').fails(1, 'no/such.json')
    xai('classify', 'a.png', env={'XAI_MODEL': 'no/such/other.json'}).fails(1, 'no/such/other.json')
    xai('classify', '-m', 'https://example.org/m.json', 'a.png').fails(1, 'https://example.org/m.json', 'URL')
    xai('layers', '--arch', 'resnet17').fails(1, 'resnet17')
    xai('classify', '--arch', 'cifar_resnet20', '--weights', 'no.th', 'a.png').fails(1, 'no.th')
    xai('classify', *NET, '--backend', 'quantum', 'a.png').fails(1, 'quantum')
    xai('classify', *NET, '--labels', 'no.txt', 'a.png').fails(1, 'no.txt')
    xai('convert', 'http://example.org/a.pth', 'b.safetensors').fails(1, 'URL')
    xai('visualize', *NET, '--class', '1', '--image', 'http://example.org/a.png', '-o', 'a.png').fails(1, 'URL')


def test_sentences_say_what_would_do():
    xai('classify', '--threads', '99999999999999999999', 'a.png').fails(2, '--threads', 'from 1 to 2147483647')
    xai('classify', '--mean', 'nan,0,0', 'a.png').fails(2, '--mean', 'three finite numbers')
    xai('classify', *NET, '--std', '0,1,1', 'a.png').fails(1, 'std[0] is 0, which cannot divide')
    xai('classify', *NET, '--size', '40000', 'a.png').fails(1, '40000', '0 to 32768 pixels')
    xai('classify', '-m', 'net.safetensors', 'a.png').fails(2, 'net.safetensors', 'a manifest', '--weights')
    with open(os.path.join(WORK, 'noarch.json'), 'w', encoding='utf-8') as file:
        file.write('{"xai": 1, "arch": "resnet99", "weights": "net.safetensors"}')
    xai('classify', '-m', 'noarch.json', 'a.png').fails(1, 'noarch.json: ', "'resnet99'", 'cifar_resnet20')
    for name, words in ('{"xai": 2, "arch": "resnet18"}', ('at xai: is 2, only 1 is understood',)), \
                       ('{"xai": 1, "arch": "resnet18", "weights": "w", "input": {"mean": [1, 2]}}', ('input.mean: has 2 numbers, expected 3',)), \
                       ('{"xai": 1, "arch": "cifar_resnet20", "weights": "net.safetensors", "cam_layer": "layer9"}', ('other.json: ', "'layer9'")):
        with open(os.path.join(WORK, 'other.json'), 'w', encoding='utf-8') as file:
            file.write(name)
        xai('classify', '-m', 'other.json', 'a.png').fails(1, 'other.json', *words)
    with open(os.path.join(WORK, 'list.txt'), 'w', encoding='utf-8') as file:
        file.write('nowhere.png\tcat\n')
    said = xai('influence', *NET, '--train', 'list.txt', '--test', 'a.png')
    said.fails(1, 'nowhere.png: cannot open')
    assert said.err.count('nowhere.png') == 1, said.err
    with open(os.path.join(WORK, 'one.txt'), 'w', encoding='utf-8') as file:
        file.write('cat\n')
    xai('classify', *NET, '--labels', 'one.txt', 'a.png').fails(1, 'has 1 line, the model has 10 classes')
    xai('tree', 'show', 'one.txt').fails(1, "'c' where JSON should be")
    xai('convert', 'net.safetensors', 'net.pth').fails(2, 'net.pth', 'ends with .safetensors')
    assert not os.path.exists(os.path.join(WORK, 'net.pth'))


# Names of files to write are looked at before anything is computed: -m names nothing here, and nobody notices.

def test_outputs_are_checked_first():
    nothing = ('-m', 'no/such.json')
    xai('cam', *nothing, '--sheet', 'a.gif', 'a.png').fails(2, 'a.gif', '.png, .jpg or .jpeg')
    xai('cam', *nothing, '--sheet', 'no/such/a.png', 'a.png').fails(1, 'no/such/a.png: cannot write')
    xai('cam', *nothing, '--npy', 'no/such/a.npy', 'a.png').fails(1, 'no/such/a.npy: cannot write')
    xai('visualize', *nothing, '--class', '1', '-o', 'a.gif').fails(2, 'a.gif', '.jpg')
    xai('metrics', *nothing, '--map', 'a.npy', '-o', 'a.png', 'a.png').fails(2, 'a.png', '.svg')
    xai('influence', *nothing, '--train', 'l', '--test', 'a.png', '--sheet', 'a.bmp').fails(2, 'a.bmp', '.jpg')
    xai('influence', *nothing, '--train', 'l', '--test', 'a.png', '--page', 'no/such/a.html').fails(1, 'no/such/a.html')
    xai('convert', 'net.safetensors', 'no/such/a.safetensors').fails(1, 'no/such/a.safetensors: cannot write')


def test_groups_of_commands():
    said = xai('tree', '--help').works()
    assert said.startswith('usage:\n') and 'xai tree prune' in said and '--help behind one' in said, said
    assert xai('info', '--help').works().startswith('usage: xai info\n')
    for command in ('rise', 'occlusion', 'lime', 'shap'):
        assert '--layer' not in xai(command, '--help').works()


# Commands that need no picture.

def test_info():
    text = xai('info').works()
    assert 'version' in text and '0.1.0' in text and 'cifar_resnet20' in text, text
    document = json.loads(xai('info', '--json', '--threads', '3').works())
    assert document['version'] == '0.1.0' and document['threads'] == 3, document
    assert 'resnet18' in document['architectures'], document


def test_layers():
    document = json.loads(xai('layers', '--arch', 'cifar_resnet20', '--json').works())
    assert document['model'] == 'cifar_resnet20'
    rows = {name: row for row in document['layers'] for name in [row['name'], *row['aliases']]}
    assert rows['conv1']['shape'] == [1, 16, 32, 32] and rows['conv1']['op'] == 'Conv', rows['conv1']
    assert rows['layer3.2.conv2']['shape'] == [1, 64, 8, 8]
    assert rows['layer3'] is rows['layer3.2'] and rows['layer3']['shape'] == [1, 64, 8, 8]
    assert rows['linear']['shape'] == [1, 10]
    table = xai('layers', *NET).works()
    assert 'layer3.2.conv2' in table and '1x64x8x8' in table, table


def test_bench():
    document = json.loads(xai('bench', '--arch', 'cifar_resnet20', '--rounds', '3', '--explain', '--json').works())
    assert [row['what'] for row in document['timings']] == ['forward', 'cam'] and document['threads'] >= 1, document
    assert all(0 < row['min_seconds'] <= row['median_seconds'] for row in document['timings']), document
    text = xai('bench', *NET, '--rounds', '2', '--batch', '4', '--threads', '1').works()
    assert '4 images' in text and 'median' in text and ', 1 thread\n' in text, text


def test_convert():
    place = folder('convert')
    xai('convert', os.path.join(WORK, 'net.safetensors'), 'again.safetensors', cwd=place).works()
    assert os.path.getsize(os.path.join(place, 'again.safetensors')) > 1000000
    same = xai('layers', '--arch', 'cifar_resnet20', '--weights', 'again.safetensors', cwd=place)
    assert same.works() == xai('layers', *NET).works()
    xai('convert', os.path.join(WORK, 'broken.png'), 'b.safetensors', cwd=place).fails(1, 'broken.png')
    assert os.listdir(place) == ['again.safetensors'], os.listdir(place)


# Pictures.

def test_classify():
    needs('png')
    lines = xai('classify', *NET, 'a.png').works().splitlines()
    assert len(lines) == 6 and lines[0].startswith('Prediction: '), lines
    assert lines[0].split(': ')[1] == lines[1].split('%  ')[1] in LABELS, lines
    assert len(xai('classify', *NET, '-k3', 'a.png').works().splitlines()) == 4
    assert len(xai('classify', *NET, '-k', '99', 'a.png').works().splitlines()) == 11
    several = xai('classify', *NET, 'a.png', 'b.png').works().splitlines()
    assert several[0].startswith('a.png: ') and several[1].startswith('b.png: ') and several[1].endswith('%)'), several
    # -- ends the options.
    assert xai('classify', *NET, '--', 'a.png').works().splitlines() == lines
    # The model may come from the environment.
    assert xai('classify', 'a.png', env={'XAI_MODEL': os.path.join(WORK, 'net.json')}).works().splitlines() == lines


def test_classify_json():
    needs('png')
    documents = [json.loads(line) for line in xai('classify', *NET, '--json', '-k', '10', 'a.png', 'b.png').works()
                 .splitlines()]
    assert [document['image'] for document in documents] == ['a.png', 'b.png']
    for document in documents:
        rows = document['predictions']
        assert document['model'] == 'cifar_resnet20' and len(rows) == 10
        assert abs(sum(row['probability'] for row in rows) - 1) < 1e-6, rows
        assert rows == sorted(rows, key=lambda row: -row['logit'])
        assert all(row['label'] == LABELS[row['index']] for row in rows)


def test_one_picture_fails_the_rest_go_on():
    needs('png')
    result = xai('classify', *NET, 'a.png', 'broken.png', 'missing.png', 'https://example.org/c.png', 'b.png')
    assert result.code == 1, result.code
    assert [line.split(':')[0] for line in result.out.splitlines()] == ['a.png', 'b.png'], result.out
    errors = result.err.splitlines()
    assert len(errors) == 3 and all(line.startswith('xai: ') for line in errors), errors
    assert 'broken.png' in errors[0] and 'missing.png' in errors[1] and 'URL' in errors[2], errors


def test_overrides():
    needs('png')
    plain = xai('classify', *NET, '--json', 'a.png').works()
    assert xai('classify', *NET, '--json', '--mean', '0.485,0.456,0.406', '--std', '0.229,0.224,0.225', 'a.png').works() \
        == plain
    assert xai('classify', *NET, '--json', '--mean', '0,0,0', 'a.png').works() != plain
    assert xai('classify', *NET, '--json', '--scale', '0.01', 'a.png').works() != plain
    assert xai('classify', *NET, '--json', '--resize', '36', 'a.png').works() != plain
    xai('classify', *NET, '--size', '40', 'a.png').works()
    xai('classify', *NET, '--size', '40', '--resize', '36', 'a.png').fails(1, 'a.png', '40')
    assert 'spaniel' in xai('classify', *NET, '--labels', 'labels.txt', 'a.png').works()
    # The bits depend on neither threads nor the other pictures.
    assert xai('classify', *NET, '--json', '--threads', '3', 'a.png').works() == plain
    assert xai('classify', *NET, '--json', 'b.png', 'a.png').works().splitlines()[1] == plain.strip()


def test_cam():
    needs('png')
    place = folder('cam')
    picture = os.path.join(WORK, 'a.png')
    net = ('-m', os.path.join(WORK, 'net.json'))
    out = xai('cam', *net, picture, cwd=place).works()
    assert sorted(os.listdir(place)) == ['a.cam.heatmap.png', 'a.cam.overlay.png'] and './a.cam.heatmap.png' in out, out
    assert xai('cam', *net, '-q', '-o', 'quiet', picture, cwd=place).works() == ''
    assert len(os.listdir(os.path.join(place, 'quiet'))) == 2
    document = json.loads(xai('cam', *net, '--json', '--npy', 'map.npy', picture, cwd=place).works())
    assert document['image'] == picture and document['method'] == 'cam' and document['profile'] == 'default', document
    map_ = document['map']  # scaled on the method's own grid, then resized, so the ends may be missed
    assert map_['file'] == 'map.npy' and map_['shape'] == [32, 32] and 0 <= map_['min'] < map_['max'] <= 1, map_
    assert document['targets'][0]['label'] in LABELS and 0 < document['targets'][0]['probability'] <= 1, document
    assert document['purpose'] == 'latency' and document['seconds'] > 0 and len(document['layers']) == 1, document
    assert npy_shape(os.path.join(place, 'map.npy')) == (32, 32)
    xai('cam', *net, '-q', '--grid', '--npy', 'map.npy', picture, cwd=place).works()
    assert npy_shape(os.path.join(place, 'map.npy')) == (8, 8)


def test_cam_targets():
    needs('png')
    place = folder('targets')
    net = ('-m', os.path.join(WORK, 'net.json'))
    pictures = [os.path.join(WORK, name) for name in ('a.png', 'b.png')]
    lines = xai('cam', *net, '--json', '--npy', 'maps', '-o', 'out', '--target', 'cat', '--target', '5', *pictures,
                cwd=place).works().splitlines()
    documents = [json.loads(line) for line in lines]
    assert len(documents) == 2 and documents[0]['map']['shape'] == [2, 32, 32], documents[0]
    assert [target['label'] for target in documents[0]['targets']] == ['cat', 'dog']
    assert npy_shape(os.path.join(place, 'maps', 'b.cam.npy')) == (2, 32, 32)
    assert len(os.listdir(os.path.join(place, 'out'))) == 8
    assert os.path.exists(os.path.join(place, 'out', 'a.cam.3.overlay.png'))
    # The same class by index, by label and as the top one, the same map.
    maps = []
    for target in ('3', 'cat'):
        xai('cam', *net, '-q', '--npy', 'one.npy', '--target', target, pictures[0], cwd=place).works()
        with open(os.path.join(place, 'one.npy'), 'rb') as file:
            maps.append(file.read())
    assert maps[0] == maps[1]


CAM_METHODS = ['cam', 'gradcam', 'gradcam++', 'xgradcam', 'layercam', 'hirescam', 'gradcam-elementwise', 'eigencam', 'eigengradcam',
               'scorecam', 'ablationcam', 'reciprocam']


def test_cam_family():
    needs('png')
    place = folder('family')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    for method in CAM_METHODS:
        document = json.loads(xai('cam', *net, '--json', '--method', method, picture, cwd=place).works())
        assert document['method'] == method and document['map']['shape'] == [32, 32], document
        assert os.path.exists(os.path.join(place, f'a.{method}.overlay.png')), method
    two = ('--method', 'layercam', '--layer', 'layer2', '--layer', 'layer3')
    document = json.loads(xai('cam', *net, '--json', *two, '--fuse', 'max', '--eigen-smooth', '--aug-smooth', picture,
                              cwd=place).works())
    assert len(document['layers']) == 2, document
    document = json.loads(xai('cam', *net, '--json', '--method', 'gradcam', '--any-layer', '--layer', 'nowhere', '--layer', 'layer3',
                              picture, cwd=place).works())
    assert len(document['layers']) == 1, document
    raw = json.loads(xai('cam', *net, '--json', '--method', 'gradcam', '--profile', 'captum', picture, cwd=place).works())['map']
    assert raw['max'] - raw['min'] != 1, raw
    xai('cam', *net, *two, '--fuse', 'median', picture, cwd=place).fails(2, 'mean or max')
    xai('cam', *net, *two, '--profile', 'captum', picture, cwd=place).fails(1, 'captum', 'torchcam')
    xai('cam', *net, '--method', 'gradcam', '--profile', 'torchcam', '--aug-smooth', picture, cwd=place).fails(1, 'no smoothing')


def test_cam_failures():
    needs('png')
    xai('cam', *NET, '--profile', 'cubist', 'a.png').fails(1, 'cubist', 'tutorial', 'torchcam')
    xai('cam', *NET, '--method', 'clairvoyance', 'a.png').fails(1, 'clairvoyance')
    xai('cam', *NET, '--layer', 'layer9', 'a.png').fails(1, 'layer9')
    xai('cam', *NET, '--target', 'unicorn', 'a.png').fails(1, 'unicorn')
    xai('cam', *NET, '--target', '10', 'a.png').fails(1, '10')
    xai('cam', *NET, '-o', 'net.json/x', 'a.png').fails(1, 'net.json/x')
    xai('cam', *NET, 'a.png', 'convert/../a.png').fails(2, 'a.png', 'convert/../a.png')
    xai('cam', *NET, '--npy', 'no/such/folder/m.npy', '-o', folder('failures'), 'a.png').fails(1, 'no/such/folder/m.npy')


SALIENCY_METHODS = ['saliency', 'inputxgrad', 'guided', 'deconvnet', 'guided-gradcam', 'ig', 'smoothgrad', 'smoothgrad-sq', 'vargrad']


def test_saliency():
    needs('png')
    place = folder('saliency')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    for method in SALIENCY_METHODS:
        document = json.loads(xai('saliency', *net, '--json', '--method', method, picture, cwd=place).works())
        map_ = document['map']
        assert document['method'] == method and map_['shape'] == [32, 32] and map_['min'] < map_['max'], document
        assert (map_['min'] < 0) == (method in SALIENCY_METHODS[1:7]), (method, map_)
        assert os.path.exists(os.path.join(place, f'a.{method}.overlay.png')), method

    def map_of(*arguments):
        xai('saliency', *net, '-q', '--npy', 'one.npy', *arguments, picture, cwd=place).works()
        with open(os.path.join(place, 'one.npy'), 'rb') as file:
            return file.read()

    noise = ('--method', 'smoothgrad', '--samples', '3', '--sigma', '0.2')
    assert map_of(*noise, '--seed', '7') == map_of(*noise, '--seed', '7', '--threads', '2') != map_of(*noise, '--seed', '8')
    path = ('--method', 'ig', '--steps', '3')
    assert map_of(*path) != map_of(*path, '--quadrature', 'riemann-trapezoid') != map_of(*path, '--baseline', '0.5')
    map_of('--method', 'saliency', '--keep-channels')
    assert npy_shape(os.path.join(place, 'one.npy')) == (3, 32, 32)
    xai('saliency', *net, '-q', '--sheet', 'sheet.png', picture, cwd=place).works()
    xai('saliency', *net, '-q', '--sheet', 'sheet.png', '--layer', 'layer2', picture, cwd=place).works()
    assert os.path.getsize(os.path.join(place, 'sheet.png')) > 1000


def test_saliency_failures():
    needs('png')
    xai('saliency', *NET, '--method', 'clairvoyance', 'a.png').fails(1, 'clairvoyance', 'vargrad')
    xai('saliency', *NET, '--profile', 'cubist', 'a.png').fails(1, 'cubist', 'captum')
    xai('saliency', *NET, '--method', 'guided', '--profile', 'pytorch-grad-cam', 'a.png').fails(1, 'guided', 'pytorch-grad-cam')
    xai('saliency', *NET, '--method', 'ig', '--quadrature', 'simpson', 'a.png').fails(1, 'simpson', 'riemann-middle')
    xai('saliency', *NET, '--steps', '5', 'a.png').fails(1, 'n_steps')
    xai('saliency', *NET, '--method', 'ig', '--samples', '5', 'a.png').fails(1, 'n_samples')
    xai('saliency', *NET, '--method', 'guided', '--layer', 'layer3', 'a.png').fails(1, 'layer')
    xai('saliency', *NET, '--method', 'guided-gradcam', '--layer', 'layer9', 'a.png').fails(1, 'layer9')
    xai('saliency', *NET, '--target', 'unicorn', 'a.png').fails(1, 'unicorn')
    xai('saliency', *NET, 'missing.png').fails(1, 'missing.png')
    xai('saliency', *NET, '--method', 'guided-gradcam', '--layer', 'layer2', '--layer', 'layer3', 'a.png').fails(2, '--layer')
    xai('saliency', *NET, '--method', 'ig', '--steps', 'many', 'a.png').fails(2, '--steps', 'many')
    xai('saliency', *NET, '--method', 'smoothgrad', '--sigma', '-1', 'a.png').fails(1, 'sigma', '-1')
    xai('saliency', *NET, '--draw', 'crayon', 'a.png').fails(2, 'crayon')
    xai('saliency', *NET).fails(2, 'IMAGE')


SEGMENT_PICTURES = ['heatmap', 'overlay', 'segments', 'top']


def test_lime():
    needs('png')
    place = folder('lime')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    grid = ('--segmenter', 'grid', '--segments', '16')
    document = json.loads(xai('lime', *net, *grid, '--samples', '100', '--repeats', '3', '--json', picture, cwd=place).works())
    target = document['targets'][0]
    assert sorted(os.listdir(place)) == [f'a.lime.{name}.png' for name in SEGMENT_PICTURES], os.listdir(place)
    assert document['method'] == 'lime' and document['samples'] == 300 and document['segments'] == 16, document
    assert 0 <= document['stability'] <= 1 and document['r_squared'] <= 1 and document['seed'] == 0, document
    assert target['explains'] == 'probability' and len(target['coefficients']) == 16 == len(target['standard_errors']), target
    assert document['map']['max'] == max(target['coefficients']) or abs(document['map']['max'] - max(target['coefficients'])) < 1e-6
    again = json.loads(xai('lime', *net, *grid, '--samples', '100', '--json', picture, cwd=place).works())
    assert again['targets'] == document['targets'] and 'stability' not in again
    other = json.loads(xai('lime', *net, *grid, '--samples', '100', '--seed', '1', '--features', '4', '--json', picture, cwd=place).works())
    assert sum(value != 0 for value in other['targets'][0]['coefficients']) == 4, other
    two = xai('lime', *net, '--samples', '20', '--target', '3', '--target', '5', '-o', 'two', picture, cwd=place).works()
    assert len(os.listdir(os.path.join(place, 'two'))) == 8 and two.count('a.lime.5.') == 4, two


def test_shap():
    needs('png')
    place = folder('shap')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    grid = ('--segmenter', 'grid', '--segments', '9')
    document = json.loads(xai('shap', *net, *grid, '--npy', 'map.npy', '--json', picture, cwd=place).works())
    target = document['targets'][0]
    assert document['samples'] == 510 == document['enumerated'], document
    assert abs(sum(target['coefficients']) - target['score'] + document['expected']) < 1e-12, document
    assert not any(target['standard_errors']) and npy_shape(os.path.join(place, 'map.npy')) == (32, 32)
    # The map of another method as segments: as many as it has values.
    document = json.loads(xai('shap', *net, '--segment-map', 'map.npy', '--samples', '60', '--json', picture, cwd=place).works())
    assert 1 <= document['segments'] <= 9, document
    assert xai('shap', *net, '--sheet', 'sheet.png', *grid, picture, cwd=place).works() == 'sheet.png\n'
    assert os.path.exists(os.path.join(place, 'sheet.png'))


def test_occlusion():
    needs('png')
    place = folder('occlusion')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    document = json.loads(xai('occlusion', *net, '--window', '8', '--npy', 'map.npy', '--json', picture, cwd=place).works())
    assert sorted(os.listdir(place)) == ['a.occlusion.heatmap.png', 'a.occlusion.overlay.png', 'map.npy'], os.listdir(place)
    assert document['method'] == 'occlusion' and document['windows'] == 49 and document['purpose'] == 'windowed', document
    assert document['targets'][0]['explains'] == 'logit' and 0 < document['computed_share'] <= 1, document
    whole = json.loads(xai('occlusion', *net, '--window', '8', '--whole', '--npy', 'whole.npy', '--json', picture, cwd=place).works())
    assert whole['map'] == {**document['map'], 'file': 'whole.npy'} and whole['computed_share'] == 1, whole
    with open(os.path.join(place, 'map.npy'), 'rb') as a, open(os.path.join(place, 'whole.npy'), 'rb') as b:
        assert a.read() == b.read()
    some = json.loads(xai('occlusion', *net, '--window', '8', '--share', '0.5', '--json', '-o', 'some', picture, cwd=place).works())
    assert some['windows'] == 25 and some['windows_in_all'] == 49, some
    two = xai('occlusion', *net, '--profile', 'xplique', '--fill', 'blur', '--target', '3', '--target', '5', '-o', 'two', picture, cwd=place).works()
    assert len(os.listdir(os.path.join(place, 'two'))) == 4 and two.count('a.occlusion.5.') == 2, two


def test_rise():
    needs('png')
    place = folder('rise')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    document = json.loads(xai('rise', *net, '--masks', '64', '--seed', '3', '--npy', 'map.npy', '--json', picture, cwd=place).works())
    assert sorted(os.listdir(place)) == ['a.rise.error.png', 'a.rise.heatmap.png', 'a.rise.overlay.png', 'map.npy'], os.listdir(place)
    assert document['masks'] == 64 and document['keep'] == 0.5 and document['seed'] == 3, document
    assert document['standard_error'] > 0 and document['targets'][0]['explains'] == 'probability', document
    again = json.loads(xai('rise', *net, '--masks', '64', '--seed', '3', '--threads', '1', '--json', picture, cwd=place).works())
    assert again['map'] == {**document['map'], 'file': None}, (again, document)
    alone = json.loads(xai('rise', *net, '--masks', '64', '--seed', '3', '--unpaired', '--json', picture, cwd=place).works())
    assert alone['map'] != again['map'] and alone['masks'] == 64, (alone, again)
    settled = json.loads(xai('rise', *net, '--max-error', '5', '--json', picture, cwd=place).works())
    assert settled['settled'] == 1 and settled['masks'] == 128, settled
    for profile, score in (('rise', 'probability'), ('torchray', 'logit'), ('xplique', 'logit'), ('openvino', 'probability')):
        document = json.loads(xai('rise', *net, '--profile', profile, '--masks', '16', '--json', picture, cwd=place).works())
        assert document['profile'] == profile and document['targets'][0]['explains'] == score, document


def test_metrics():
    needs('png')
    place = folder('metrics')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    xai('saliency', *net, '--npy', 'map.npy', picture, cwd=place).works()
    xai('saliency', *net, '--method', 'inputxgrad', '--npy', 'other.npy', picture, cwd=place).works()
    document = json.loads(xai('metrics', *net, '--map', 'map.npy', '--steps', '8', '-o', 'c.svg', '--json', picture, cwd=place).works())
    assert list(document['metrics']) == ['sparseness', 'complexity', 'deletion', 'insertion', 'average-drop', 'increase-in-confidence', 'average-gain'], document
    assert all(len(curve['share']) == len(curve['score']) == 9 for curve in document['curves'].values()), document
    assert document['map'] == 'map.npy' and 0 <= document['metrics']['deletion'] <= 1 and 'index' in document['target'], document
    with open(os.path.join(place, 'c.svg'), encoding='utf-8') as file:
        text = file.read()
    assert text.count('<polyline') == 2 and 'a.png: map.npy' in text, text
    words = xai('metrics', *net, '--map', 'map.npy', '--other', 'other.npy', '--box', '2,3,10,12', '--metric', 'ssim', '--metric', 'relevance-mass',
                '--metric', 'infidelity', picture, cwd=place).works()
    assert [line.split()[0] for line in words.splitlines()] == ['relevance-mass', 'ssim', 'infidelity'], words
    random = json.loads(xai('metrics', *net, '--map', 'map.npy', '--method', 'saliency', '--metric', 'randomisation', '--metric', 'max-sensitivity',
                            '--json', picture, cwd=place).works())
    curve = random['curves']['randomisation']
    assert len(curve['layers']) == len(curve['agreement']) > 10 and curve['agreement'][-1] == random['metrics']['randomisation'], random
    names = ['faithfulness-estimate', 'faithfulness-correlation', 'monotonicity', 'monotonicity-correlation', 'selectivity', 'region-perturbation', 'irof',
             'road', 'road-most', 'road-least']
    removal = json.loads(xai('metrics', *net, '--map', 'map.npy', '--steps', '4', '--samples', '3', '--window', '4', '-o', 'r.svg', '--json',
                             *[word for name in names for word in ('--metric', name)], picture, cwd=place).works())
    assert list(removal['metrics']) == names, removal
    assert sorted(removal['curves']) == ['irof', 'monotonicity', 'region-perturbation', 'road-least', 'road-most', 'selectivity'], removal
    assert len(removal['curves']['selectivity']['score']) == 5 and len(removal['curves']['road-most']['score']) == 9, removal
    alone = json.loads(xai('metrics', *net, '--map', 'map.npy', '--method', 'saliency', '--metric', 'randomisation', '--independent', '--measure', 'pearson',
                           '--randomise', 'linear', '--randomise', 'layer3.2.conv2', '--json', picture, cwd=place).works())
    curve = alone['curves']['randomisation']
    assert curve['layers'] == ['linear', 'layer3.2.conv2'], alone
    assert abs(sum(curve['agreement']) / 2 - alone['metrics']['randomisation']) < 1e-6, alone
    xai('metrics', *net, '--map', 'map.npy', '--method', 'saliency', '--metric', 'randomisation', '--randomise', 'nothing', picture,
        cwd=place).fails(1, 'nothing')
    xai('metrics', *net, picture, cwd=place).fails(2, '--map')
    xai('metrics', *net, '--map', 'map.npy', '--metric', 'beauty', picture, cwd=place).fails(2, 'beauty')
    xai('metrics', *net, '--map', 'map.npy', '--metric', 'ssim', picture, cwd=place).fails(2, 'ssim needs --other')
    xai('metrics', *net, '--map', 'map.npy', '--metric', 'pointing-game', '--box', '1,2,3', picture, cwd=place).fails(2, 'LEFT,TOP,WIDTH,HEIGHT')
    xai('metrics', *net, '--map', 'map.npy', '--metric', 'pointing-game', '--box', '30,2,9,9', picture, cwd=place).fails(1, 'not inside')
    xai('metrics', *net, '--map', 'map.npy', '--metric', 'sparseness', '-o', 'd.svg', picture, cwd=place).fails(1, 'no curve')
    xai('metrics', *net, '--map', 'map.npy', '--metric', 'insertion', '--profile', 'quantus', picture, cwd=place).fails(1, 'default, rise, torchcam, xplique')
    xai('metrics', *net, '--map', 'nowhere.npy', picture, cwd=place).fails(1, 'nowhere.npy')
    with open(os.path.join(place, 'map.npy'), 'rb') as file:
        head = file.read()[:-32 * 32 * 4]
    with open(os.path.join(place, 'flat.npy'), 'wb') as file:
        file.write(head + struct.pack('<1024f', *[1] * 1024))
    xai('metrics', *net, '--map', 'flat.npy', '--metric', 'complexity', picture, cwd=place).fails_lines(0, 'flat.npy: the map is the same everywhere')
    # Of maps that a metric makes for itself, such as those of a network without its parameters, the given one is not to blame.
    remark = xai('metrics', *net, '--map', 'map.npy', '--method', 'gradcam', '--metric', 'randomisation', picture, cwd=place)
    assert remark.code == 0 and 'map.npy' not in remark.err, remark.err


def test_perturbation_failures():
    needs('png')
    xai('occlusion', *NET, '--window', '33', 'a.png').fails(1, '33', '32')
    xai('occlusion', *NET, '--window', '4', '--stride', '5', 'a.png').fails(1, 'stride of 5')
    xai('occlusion', *NET, '--window', '4', '--share', '1.5', 'a.png').fails(1, 'share is 1.5')
    xai('occlusion', *NET, '--fill', 'noise', '--window', '4', 'a.png').fails(1, 'value, mean, blur')
    xai('occlusion', *NET, '--profile', 'lime', 'a.png').fails(1, 'default, captum, kazuto, xplique')
    xai('rise', *NET, '--profile', 'captum', 'a.png').fails(1, 'default, rise, torchray')
    xai('rise', *NET, '--keep', '1', 'a.png').fails(1, 'keep is 1')
    xai('rise', *NET, '--cells', '40', 'a.png').fails(1, '40 cells')
    xai('rise', *NET, '--layer', 'layer3', 'a.png').fails(2, '--layer')
    xai('rise', *NET, '--max-error', '-1', 'a.png').fails(1, 'max_error is -1, expected a number from 0 on')
    xai('rise', *NET, '--top-region', '3', 'a.png').fails(1, 'top_region is 3, expected 0 to below 1')
    xai('cam', *NET, '--clip', '200', 'a.png').fails(1, 'percentile is 200, expected 0 to 100')
    xai('saliency', *NET, '--method', 'smoothgrad', '--sigma', '-1', 'a.png').fails(1, 'sigma is -1, expected a number from 0 on')
    xai('cam', *NET, '-o', 'net.json', 'a.png').fails(1, 'net.json: is no folder')


def test_segment_failures():
    needs('png')
    xai('lime', *NET, '--segmenter', 'scissors', 'a.png').fails(1, 'scissors', 'quickshift, slic, felzenszwalb, grid')
    xai('lime', *NET, '--profile', 'tutorial', 'a.png').fails(1, 'tutorial', 'default, lime, captum')
    xai('shap', *NET, '--profile', 'lime', 'a.png').fails(1, 'default, shap, captum')
    xai('lime', *NET, '--layer', 'layer3', 'a.png').fails(2, '--layer')
    xai('lime', *NET, '--segment-map', 'nowhere.npy', 'a.png').fails(1, 'nowhere.npy')
    xai('shap', *NET, '--segmenter', 'grid', '--samples', '10', 'a.png').fails(1, '10 coalitions do not determine the values of 64 segments')
    xai('shap', *NET, '--repeats', '2', 'a.png').fails(2, '--repeats')


def test_interrupted():
    """Ctrl-C keeps what there is so far."""
    needs('png')
    place = folder('interrupted')
    command = [os.path.join(BUILD, 'examples', 'xai'), 'lime', '-m', os.path.join(WORK, 'net.json'), '--samples', '1000000',
               '--segmenter', 'grid', '--json', os.path.join(WORK, 'a.png')]
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, err)
    assert 0 < json.loads(out)['samples'] < 1000000, out
    assert f"a.png: stopped after {int(json.loads(out)['samples'])} samples\n".encode() in err, err
    assert sorted(os.listdir(place)) == [f'a.lime.{name}.png' for name in SEGMENT_PICTURES], os.listdir(place)
    with subprocess.Popen([*command[:-2], '--sheet', 'sheet.png', *2 * command[-1:]], cwd=place, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b'lime: stopped after ' in err, (process.returncode, err)
    assert png_size(os.path.join(place, 'sheet.png'))[1] > 40, 'the first picture is drawn'


def test_interrupted_influence():
    """Features that were cached are gone on with."""
    needs('png')
    place = folder('interrupted_influence')
    with open(os.path.join(place, 'list.tsv'), 'w', encoding='utf-8') as file:
        file.write(f"{os.path.join(WORK, 'a.png')}\t{LABELS[0]}\n" * 20000)
    command = [os.path.join(BUILD, 'examples', 'xai'), 'influence', '-m', os.path.join(WORK, 'net.json'), '--train', 'list.tsv',
               '--test', os.path.join(WORK, 'a.png'), '--cache', 'features']
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, err)
    assert out == b'' and b'stopped; features keeps the features so far' in err, (out, err)


def test_sheet_of_what_can_be_read():
    """One picture fails, the rest go on."""
    needs('png')
    place = folder('sheets')
    sheet = ('saliency', '-m', '../net.json', '--method', 'saliency', '--sheet', 'some.png')
    xai(*sheet, '../a.png', '../missing.png', '../broken.png', '../b.png', cwd=place).fails_lines(1, 'missing.png', 'broken.png')
    both = png_size(os.path.join(place, 'some.png'))
    xai(*sheet, '../a.png', '../b.png', cwd=place).works()
    assert both == png_size(os.path.join(place, 'some.png')), both
    os.remove(os.path.join(place, 'some.png'))
    xai(*sheet, '../missing.png', cwd=place).fails(1, 'missing.png')
    assert not os.path.exists(os.path.join(place, 'some.png'))


def test_names_that_are_not_utf8():
    """JSON is UTF-8, whatever a file is called."""
    needs('png')
    path = os.path.join(os.fsencode(WORK), b'\xff\xe9.png')
    shutil.copyfile(os.path.join(WORK, 'a.png'), path)
    document = json.loads(xai('classify', *NET, '--json', b'\xff\xe9.png').works())
    assert document['image'] == '\ufffd\ufffd.png', document


def interrupt(place, *arguments):
    """Ctrl-C after a while; what was printed."""
    with subprocess.Popen([os.path.join(BUILD, 'examples', 'xai'), *arguments], cwd=place, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    document = json.loads(out)
    count = next(f'{int(document[name])} {name}' for name in ('masks', 'samples', 'windows') if name in document)
    assert process.returncode == 130 and f'stopped after {count}\n'.encode() in err, (process.returncode, err)
    return document


def read(*path):
    with open(os.path.join(*path), 'rb') as file:
        return file.read()


def going_on(place, *arguments, images):
    """A command that goes on from where a file's state is, and says so."""
    result = xai(*arguments, cwd=place)
    assert result.code == 0 and f'has the scores of {images} pictures' in result.err and result.err.count('\n') == 1, result.err
    return result.out


def test_rise_state():
    """Stopped and gone on with: the map of a run that was not."""
    needs('png')
    place = folder('rise_state')
    rise = ('rise', '-m', os.path.join(WORK, 'net.json'), '--seed', '3')
    picture, other = os.path.join(WORK, 'a.png'), os.path.join(WORK, 'b.png')
    for profile in ('default', 'dianna'):
        keep = (*rise, '--profile', profile, '--state', profile, '--npy', 'map.npy')
        beside = 900 if profile == 'dianna' else 0
        xai(*keep, '--masks', '40', picture, cwd=place).works()
        going_on(place, *keep, '--masks', '100', '--threads', '1', picture, images=40 + beside)
        xai(*rise, '--profile', profile, '--masks', '100', '--npy', 'whole.npy', picture, cwd=place).works()
        assert read(place, 'map.npy') == read(place, 'whole.npy')
        state = read(place, profile)
        assert len(state) > 16 * (100 + beside) and going_on(place, *keep, '--masks', '100', picture, images=100 + beside)
        assert read(place, profile) == state
    xai(*rise, '--state', 'default', '--masks', '100', '-q', picture, cwd=place).works()
    document = interrupt(place, *rise, '--masks', '1000000', '--state', 'stopped', '--json', picture)
    masks = int(document['masks']) + 20
    assert 20 < masks < 1000000, document
    going_on(place, *rise, '--masks', f'{masks}', '--state', 'stopped', '--npy', 'map.npy', picture, images=masks - 20)
    xai(*rise, '--masks', f'{masks}', '--npy', 'whole.npy', picture, cwd=place).works()
    assert read(place, 'map.npy') == read(place, 'whole.npy')

    xai(*rise, '--masks', '8', '--state', 'states', picture, other, cwd=place).works()
    assert sorted(os.listdir(os.path.join(place, 'states'))) == ['a.rise.state', 'b.rise.state']
    mixed = os.path.join('states', 'a.rise.state')
    before = read(place, mixed)
    quiet = (*rise, '-q', '--state', mixed)
    xai(*quiet, other, cwd=place).fails(1, 'b.png', 'the state was saved for another picture')
    xai(*quiet, '--cells', '5', picture, cwd=place).fails(1, 'grid 8, this run has 5')
    xai(*quiet, '--target', '3', '--target', '4', picture, cwd=place).fails(1, 'another list of targets')
    xai(*quiet, '--seed', '4', picture, cwd=place).fails(1, 'seed 3, this run has 4')
    xai(*quiet, '--state', 'map.npy', picture, cwd=place).fails(1, 'map.npy', 'is not a saved state')
    assert read(place, mixed) == before
    with open(os.path.join(place, mixed), 'wb') as file:
        file.write(before[:-20])
    xai(*quiet, picture, cwd=place).fails(1, mixed, 'cut off')
    xai(*rise, '--state', 'none/state', '--masks', '4', picture, cwd=place).fails(1, 'none/state')
    xai(*rise, '--state', 's', '--sheet', 'sheet.png', picture, cwd=place).fails(2, '--state')
    xai('saliency', *NET, '--state', 's', 'a.png').fails(2, '--state: no such option')


def test_states():
    """The other methods' files: Ctrl-C, and the same line again."""
    needs('png')
    place = folder('states')
    net = ('-m', os.path.join(WORK, 'net.json'))
    picture = os.path.join(WORK, 'a.png')
    document = interrupt(place, 'lime', *net, '--segmenter', 'grid', '--samples', '200000', '--state', 'lime', '--json', picture)
    samples = int(document['samples']) + 9
    assert 9 < samples < 200000, document
    grid = (*net, '--segmenter', 'grid', '--segments', '16', '--samples', '600')
    for command, state in ((('lime', *net, '--segmenter', 'grid', '--samples', f'{samples}'), 'lime'),
                           (('lime', *grid, '--repeats', '2'), 'repeats'), (('shap', *grid), 'shap'),
                           (('occlusion', *net, '--window', '8'), 'occlusion')):
        whole = xai(*command, '--npy', 'whole.npy', '--json', picture, cwd=place).works()
        if state != 'lime':
            xai(*command, '--state', state, '-q', picture, cwd=place).works()
        images = {'lime': samples - 9, 'repeats': 1200, 'shap': json.loads(whole).get('samples'), 'occlusion': 49}[state]
        out = going_on(place, *command, '--npy', 'map.npy', '--state', state, '--json', picture, images=int(images))
        assert read(place, 'map.npy') == read(place, 'whole.npy'), command
        assert json.loads(out)['targets'] == json.loads(whole)['targets']
    xai('shap', *grid, '-q', '--state', 'repeats', picture, cwd=place).fails(1, 'another method')
    xai('occlusion', *net, '--window', '9', '-q', '--state', 'occlusion', picture, cwd=place).fails(1, 'window_height 8, this run has 9')
    xai('shap', *grid, '--seed', '1', '-q', '--state', 'shap', picture, cwd=place).fails(1, 'seed 0, this run has 1')


# The tutorial's programs.

def test_influence():
    needs('png')
    where = folder('influence')
    for i in range(20):
        write_picture(os.path.join(where, f'{i}.png'), 100 + i)
    with open(os.path.join(where, 'train.txt'), 'w', encoding='utf-8') as file:
        file.writelines(f'{i}.png\t{LABELS[i % 10]}\n' for i in range(20))
    common = ('influence', *NET, '--train', 'influence/train.txt', '--cache', 'influence/cache')
    document = json.loads(xai(*common, '--test', 'a.png', '--json').works())
    assert list(document) == ['test', 'prediction', 'explained', 'loss', 'method', 'residual', 'examples'], document
    assert document['test'] == 'a.png' and document['method'] == 'last-layer' and document['residual'] <= 1e-6
    scores = [example['influence'] for example in document['examples']]
    assert len(scores) == 20 and scores == sorted(scores, reverse=True) and scores[0] > 0 > scores[-1], scores
    assert {example['path'] for example in document['examples']} == {f'{i}.png' for i in range(20)}
    assert all(example['label'] == LABELS[int(example['path'][:-4]) % 10] for example in document['examples'])
    first = xai(*common, '--test', 'a.png', '-k', '2', '--sheet', 'influence/sheet.png', '--page',
                'influence/page.html').works().splitlines()
    assert first[0].startswith('Prediction: ') and first[1] == 'helpful' and first[4] == 'harmful', first
    with open(os.path.join(where, 'page.html'), encoding='utf-8') as file:
        page = file.read()
    assert page.count('<img ') == 5 and '<script' not in page
    with open(os.path.join(where, 'sheet.png'), 'rb') as file:
        assert file.read(8) == b'\x89PNG\r\n\x1a\n'
    lines = run('influence', 'net.json', 'influence/train.txt', 'influence/cache', 'a.png').works().splitlines()
    assert len(lines) == 11 and lines[5] == '...' and abs(float(lines[0].split()[0]) / scores[0] - 1) < 1e-3, lines
    run('influence', 'net.json').fails(2, 'usage: influence')
    run('influence', 'no.json', 'a', 'b', 'c').fails(1, 'influence: ', 'no.json')
    own = json.loads(xai(*common, '--self', '--json').works())
    assert min(example['influence'] for example in own['examples']) >= 0 and 'test' not in own
    layers = json.loads(xai(*common, '--test', 'a.png', '--json', '--method', 'layers', '--layer', 'linear.weight',
                            '--layer', 'linear.bias').works())
    assert abs(layers['examples'][0]['influence'] / scores[0] - 1) < 1e-2, (layers['examples'][0], scores[0])
    twice = json.loads(xai(*common, '--test', 'a.png', '--json', '--method', 'tracin-fast', '--checkpoint',
                           'net.safetensors=0.1', '--checkpoint', 'net.safetensors=0.3').works())
    once = json.loads(xai(*common, '--test', 'a.png', '--json', '--method', 'tracin-fast').works())
    assert abs(twice['examples'][3]['influence'] / once['examples'][3]['influence'] - 0.4) < 1e-6
    xai(*common, '--test', 'a.png', '--tolerance', '1e-300').fails(1, 'residual', 'tolerance 1e-300')
    xai(*common).fails(2, '--test IMAGE or --self')
    xai('influence', *NET, '--test', 'a.png').fails(2, '--train')
    xai(*common, '--self', '--page', 'a.html').fails(2, '--page')
    xai(*common, '--test', 'a.png', '--checkpoint', 'net.safetensors=x').fails(2, '--checkpoint', 'FILE=RATE')


def test_steps():
    needs('png', 'jpeg')
    place = folder('steps')
    arguments = ('-m', os.path.join(WORK, 'net.json'), os.path.join(WORK, 'a.png'))
    said = run('step_2_pretrained', *arguments).works()
    assert said.count('\n') == 1 and said.startswith('Prediction: ') and said[12:-1] in LABELS, said
    for profile in ((), ('--profile', 'tutorial')):
        assert run('step_3_cam', *profile, *arguments, cwd=place).works() == \
            ' * Wrote heatmap to heatmap.jpg\n * Wrote heatmap on image to combined.jpg\n'
        for name in ('heatmap.jpg', 'combined.jpg'):
            with open(os.path.join(place, name), 'rb') as file:
                assert file.read(3) == b'\xff\xd8\xff', name
    run('step_3_cam', '--profile', 'cubist', *arguments, cwd=place).fails(1, 'step_3_cam: ', 'cubist')
    run('step_2_pretrained', '-m', os.path.join(WORK, 'net.json'), 'missing.png').fails(1, 'missing.png')


def test_cover():
    needs('png')
    lines = run('cover', *NET, '--window', '16', 'a.png').works().splitlines()
    assert len(lines) == 5 and lines[0].startswith('Prediction: ') and lines[4].startswith(tuple('01234')), lines
    changes = [float(number) for line in lines[2:4] for number in line.split()]
    assert len(changes) == 4 and any(changes), lines


def test_white_and_black():
    needs('png')
    place = folder('white_and_black')
    net = ('-m', os.path.join(WORK, 'net.json'))
    line = run('white_and_black', *net, '--masks', '20', os.path.join(WORK, 'a.png'), cwd=place).works()
    assert 'the black box was asked 21 times; wrote white_and_black.png' in line, line
    assert os.listdir(place) == ['white_and_black.png']
    run('white_and_black', *net, '--keep', '2', os.path.join(WORK, 'a.png'), cwd=place).fails(1, 'keep is 2')


def png_size(path):
    with open(os.path.join(WORK, path), 'rb') as file:
        return struct.unpack('>II', file.read(24)[16:])


def test_visualize():
    needs('png')
    few = [*NET, '--steps', '2', '--side', '16']
    document = json.loads(xai('visualize', *few, '--layer', 'layer1.0', '--channels', '0-1,5', '-o', 'v.png', '--json').works())
    assert document['file'] == 'v.png' and document['layer'] == 'layer1.0', document
    assert [row['channel'] for row in document['pictures']] == [0, 1, 5] and png_size('v.png')[0] > 32, document
    alone = json.loads(xai('visualize', *few, '--layer', 'layer1.0', '--channels', '5', '-o', 'w.png', '--json').works())
    assert alone['pictures'][0] == document['pictures'][2] and png_size('w.png') == (16, 16), alone
    table = xai('visualize', *few, '--class', '3', '--tv', '0.01', '--profile', 'lucid', '-o', 'v.png').works()
    assert table.startswith('cat '), table
    xai('visualize', *few, '--layer', 'layer3', '--neuron', '3', '--pictures', '2', '--diversity', '1', '-o', 'v.png').works()
    xai('visualize', *few, '--layer', 'layer3', '--deepdream', '--image', 'a.png', '--plain', '-o', 'v.png').works()
    xai('visualize', *few, '--layer', 'layer3', '--channels', '0').fails(2, '-o')
    xai('visualize', *few, '--channels', '0', '-o', 'v.png').fails(2, '--layer')
    xai('visualize', *few, '--layer', 'layer3', '-o', 'v.png').fails(2, '--deepdream')
    xai('visualize', *few, '--layer', 'layer3', '--channels', '3-1', '-o', 'v.png').fails(2, '3-1')
    xai('visualize', *few, '--layer', 'layer3', '--neuron', '3,4', '-o', 'v.png').fails(2, '3,4')
    xai('visualize', *few, '--layer', 'layer3', '--channels', '64', '-o', 'v.png').fails(1, 'channel is 64')
    for last in 2 ** 63 - 1, 10 ** 30:
        xai('visualize', *few, '--layer', 'layer3', '--channels', str(last), '-o', 'v.png').fails(2, str(last))
    xai('visualize', *few, '--layer', 'layer3', '--neuron', '10000000000000000000,1,1', '-o', 'v.png').fails(2, '--neuron')
    xai('visualize', *few, '--layer', 'nowhere', '--channels', '0', '-o', 'v.png').fails(1, 'nowhere')
    xai('visualize', *few, '--layer', 'layer3', '--channels', '0', '--profile', 'captum', '-o', 'v.png').fails(1, 'lucid')


def test_dream():
    needs('png')
    run('dream', *NET, 'layer1', 'a.png', '-o', 'd.png').works()
    assert png_size('d.png') == (32, 32)
    run('dream', *NET, 'nowhere', 'a.png').fails(1, 'nowhere')


def write_hierarchy(path, n_classes):
    """Odd and even classes below a root."""
    nodes = [{'id': 'r', 'label': 'root'}, {'id': 'e', 'label': 'even'}, {'id': 'o', 'label': 'odd'}]
    links = [{'source': 'r', 'target': 'e'}, {'source': 'r', 'target': 'o'}]
    for index in range(n_classes):
        nodes.append({'id': f'c{index}', 'label': f'leaf {index}'})
        links.append({'source': 'eo'[index % 2], 'target': f'c{index}'})
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'nodes': nodes, 'links': links}, file)


def check_nbdt_profiles(steps):
    """steps: what the default profile says of a.png, decided hard."""
    def ask(*arguments):
        return xai('nbdt', *NET, '--hierarchy', 'h.json', *arguments, 'a.png').works()

    old = json.loads(ask('--json', '--profile', 'nbdt-0.0.4'))
    assert old['profile'] == 'nbdt-0.0.4' and old['mode'] == 'hard', old
    assert [step['entropy'] for step in old['decisions']] == [None] * 3 and old['decisions'][-1]['node'] is None, old
    assert [step['probability'] for step in old['decisions']] == [step['probability'] for step in steps], old
    assert ask('--profile', 'nbdt-0.0.4') == ask()
    soft = ask('--profile', 'nbdt-0.0.4', '--mode', 'soft')
    assert '%' not in soft and soft.startswith('Prediction: '), soft
    head = json.loads(ask('--json', '--profile', 'nbdt', '--mode', 'hard'))
    assert head['decisions'] == [{**steps[0], 'name': 'root'}, *steps[1:]], head
    new, words = json.loads(ask('--json', '--profile', 'nbdt')), ask('--profile', 'nbdt')
    assert new['mode'] == 'soft' and new['decisions'] == json.loads(ask('--json', '--mode', 'soft'))['decisions'], new
    assert all(f'{step["name"]} (Confidence: {100 * (1 - step["entropy"]):.2f}%)' in words for step in new['decisions'][1:])
    xai('nbdt', *NET, '--hierarchy', 'h.json', '--profile', 'dtree', 'a.png').fails(2, 'dtree', 'nbdt-0.0.4')


def check_nbdt_drawing(steps, label, line):
    """The leaf is called what the model calls its class; what is refused leaves nothing behind."""
    place = folder('way')
    draw = ('nbdt', *NET, '--hierarchy', 'h.json', '-o')
    assert xai(*draw, 'way/way.txt', 'a.png').works().startswith(line)
    with open(os.path.join(place, 'way.txt'), encoding='utf-8') as file:
        drawn = file.read()
    head = 'a.png\n' + line.replace(steps[-1]['name'], label)
    assert drawn.startswith(head) and drawn.count('\n* ') == len(steps), drawn
    xai(*draw, 'way/way.pdf', 'a.png').fails(1, 'way.pdf')
    xai(*draw, 'way/way.svg', 'a.png', 'b.png').fails(2, 'one picture, got 2')
    assert os.listdir(place) == ['way.txt'], os.listdir(place)


def test_nbdt():
    needs('png')
    write_hierarchy(os.path.join(WORK, 'h.json'), 10)
    write_hierarchy(os.path.join(WORK, 'h9.json'), 9)
    logits = [0.0] * 10
    for row in json.loads(xai('classify', *NET, '-k', '10', '--json', 'a.png').works())['predictions']:
        logits[row['index']] = row['logit']
    best = max((0, 1), key=lambda side: sum(logits[side::2]))
    leaf = max(range(best, 10, 2), key=lambda index: logits[index])
    document = json.loads(xai('nbdt', *NET, '--hierarchy', 'h.json', '--json', 'a.png').works())
    steps = document['decisions']
    assert document['prediction'] == {'index': leaf, 'label': LABELS[leaf]} and document['mode'] == 'hard', document
    assert [step['name'] for step in steps] == ['root', ('even', 'odd')[best], f'leaf {leaf}'], steps
    expected = 1 / (1 + math.exp((sum(logits[1 - best::2]) - sum(logits[best::2])) / 5))
    assert abs(steps[1]['probability'] - expected) < 1e-5 and steps[0]['probability'] == 1, steps
    line = f'Prediction: {LABELS[leaf]} // Decisions: {steps[1]["name"]} ({100 * expected:.2f}%), leaf {leaf} ('
    assert run('step_4_nbdt', *NET, '--hierarchy', 'h.json', 'a.png').works().startswith(line), line
    lines = xai('nbdt', *NET, '--mode', 'soft', '--hierarchy', 'h.json', 'a.png', 'b.png').works().splitlines()
    assert len(lines) == 2 and lines[1].startswith('b.png: Prediction: '), lines
    check_nbdt_profiles(steps)
    check_nbdt_drawing(steps, LABELS[leaf], line)
    xai('nbdt', *NET, 'a.png').fails(2, '--hierarchy')
    # The manifest's own hierarchy, which another one replaces.
    write_manifest(os.path.join(WORK, 'tree.json'), hierarchy='h.json')
    tree = ('-m', 'tree.json')
    assert json.loads(xai('nbdt', *tree, '--json', 'a.png').works()) == document
    assert run('step_4_nbdt', *tree, 'a.png').works().startswith(line), line
    xai('nbdt', *tree, '--hierarchy', 'h9.json', 'a.png').fails(1, 'h9.json', '9', '10')
    write_manifest(os.path.join(WORK, 'tree.json'), hierarchy='gone.json')
    xai('nbdt', *tree, 'a.png').fails(1, 'gone.json')
    xai('classify', *tree, 'a.png').works()
    xai('nbdt', *NET, '--mode', 'firm', '--hierarchy', 'h.json', 'a.png').fails(2, 'firm')
    xai('nbdt', *NET, '--hierarchy', 'h9.json', 'a.png').fails(1, 'h9.json', '9', '10')
    xai('nbdt', *NET, '--hierarchy', 'net.json', 'a.png').fails(1, 'net.json', 'not a tree')
    xai('nbdt', *NET, '--hierarchy', 'no.json', 'a.png').fails(1, 'no.json')


# Class names.

# Trees on tables.

def write_table(path):
    """Two columns that part three classes, a third that is empty now and then, names that need quotes."""
    def row(i):
        name = 'one' if i % 10 < 5 else '"two, or so"' if i < 30 else 'three'
        return f'{i % 10},{i // 10},{"" if i % 7 == 0 else i % 3},{name}'

    rows = [row(i) for i in range(60)]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(['"a ""b""",c,d,class', *rows]) + '\n')


def test_tree():
    place = folder('tree')
    write_table(os.path.join(place, 't.csv'))
    fit = xai('tree', 'fit', 't.csv', '--target', 'class', '-o', 'tree.json', cwd=place).works()
    assert fit == 'tree.json: 5 nodes, right on 60 of the 60 rows of the fit (100.00%)\n', fit
    tree = read_json(os.path.join(place, 'tree.json'))
    assert tree['feature_names'] == ['a "b"', 'c', 'd'] and tree['class_names'] == ['one', 'three', 'two, or so']
    assert sorted(tree['threshold']) == [-2, -2, -2, 2.5, 4.5] and tree['n_node_samples'][0] == 60
    lines = xai('tree', 'predict', 'tree.json', 't.csv', cwd=place).works().splitlines()
    assert lines[0] == 'prediction' and lines[1] == 'one' and lines[6] == '"two, or so"' and lines[60] == 'three', lines
    lines = xai('tree', 'predict', 'tree.json', 't.csv', '--probabilities', cwd=place).works().splitlines()
    assert lines[0] == 'one,three,"two, or so"' and lines[1] == '1,0,0' and len(lines) == 61, lines
    text = xai('tree', 'explain', 'tree.json', 't.csv', '--row', '6', cwd=place).works()
    assert text.startswith('Row 6: two, or so (100.00%) // Decisions: '), text
    assert xai('tree', 'explain', 'tree.json', 't.csv', '--row', '6', '-o', 'way.txt', cwd=place).works() == text
    with open(os.path.join(place, 'way.txt'), encoding='utf-8') as file:
        assert file.read().startswith('Prediction: two, or so // Decisions: ')
    xai('tree', 'explain', 'tree.json', 't.csv', '-o', 'way.txt', cwd=place).fails(2, '--row')
    assert 'a "b" > 4.5' in text and 'c <= 2.5' in text and 'expected' in text, text
    documents = [json.loads(line) for line in
                 xai('tree', 'explain', 'tree.json', 't.csv', '--json', cwd=place).works().splitlines()]
    assert len(documents) == 60 and documents[5]['prediction'] == {'index': 2, 'label': 'two, or so', 'probability': 1}
    assert json.loads(xai('tree', 'explain', 'tree.json', 't.csv', '--row', '6', '--json', cwd=place).works()) == documents[5]
    for document in documents:
        index = document['prediction']['index']
        total = document['expected'][index] + sum(item['shap'][index] for item in document['features'])
        assert abs(total - document['prediction']['probability']) < 1e-6, document
        assert document['features'][2]['value'] is None or document['row'] % 7 != 1, document
    assert xai('tree', 'show', 'tree.json', cwd=place).works().startswith('root  [')
    for ending in ('txt', 'json', 'dot', 'svg'):
        assert xai('tree', 'show', 'tree.json', '-o', 'shown.' + ending, cwd=place).works() == 'shown.%s\n' % ending
    assert read_json(os.path.join(place, 'shown.json')) == tree


def test_tree_pruning():
    place = folder('pruning')
    write_table(os.path.join(place, 't.csv'))
    fit = ('tree', 'fit', 't.csv', '--target', 'class')
    xai(*fit, '-o', 'tree.json', cwd=place).works()
    path = xai('tree', 'prune', 'tree.json', cwd=place).works().splitlines()
    assert path[0] == 'ccp_alpha,impurity' and path[1] == '0,0' and len(path) == 4, path
    alpha = path[2].split(',')[0]
    assert xai('tree', 'prune', 'tree.json', '--ccp-alpha', alpha, '-o', 'small.json', cwd=place).works() == \
        'small.json: 3 of 5 nodes\n'
    xai(*fit, '--ccp-alpha', alpha, '-o', 'same.json', cwd=place).works()
    assert read_json(os.path.join(place, 'small.json')) == read_json(os.path.join(place, 'same.json'))
    line = xai('tree', 'fit', 't.csv', '--target', 'c', '--criterion', 'squared_error', '--max-depth', '1', '-o', 'r.json',
               cwd=place)
    line.fails(1, "line 2, column 4 ('class')", "'one' is not a number")


def test_dndt():
    place = folder('dndt')
    with open(os.path.join(place, 't.csv'), 'w', encoding='utf-8') as file:
        file.write('a,b,c,d,class\n' + ''.join(
            f'{a},{i % 7},{i % 3},{a},{"low" if a < 5 else "high"}\n'
            for i, a in enumerate((3 * i + i // 10) % 10 for i in range(60))))
    fit = xai('tree', 'fit', 't.csv', '--target', 'class', '--method', 'dndt', '--steps', '200', '-o', 'd.json', cwd=place).works()
    assert fit == 'd.json: 31 nodes, right on 60 of the 60 rows of the fit (100.00%)\n', fit
    text = xai('tree', 'explain', 'd.json', 't.csv', '--row', '3', cwd=place).works()
    assert text.startswith('Row 3: high (') and 'a > ' in text and text.count('%') == 5, text
    xai('tree', 'show', 'd.json', '-o', 'd.html', cwd=place).works()
    xai('tree', 'prune', 'd.json', cwd=place).fails(1, 'no CART')
    lines = run('dndt_ensemble', 't.csv', '--target', 'class', '--trees', '5', '--features', '2', '--steps', '100',
                cwd=place).works().splitlines()
    assert len(lines) == 5 and lines[4].startswith(' 5 trees: ') and float(lines[4][10:16]) >= 90, lines


def test_tree_failures():
    place = folder('failures')
    write_table(os.path.join(place, 't.csv'))
    for name, text in (('bare.csv', 'a,b\n'), ('ragged.csv', 'a,b\n1,2\n3\n'), ('short.csv', 'a\n1,2\n'), ('text.csv', 'a,b\nx,2\n'), ('numbers.csv', 'a,b\n1,2\n2,4\n,5\n')):
        with open(os.path.join(place, name), 'w', encoding='utf-8') as file:
            file.write(text)
    xai('tree', 'fit', 'ragged.csv', '--target', 'b', '-o', 'x.json', cwd=place).fails(1, 'ragged.csv: line 3')
    xai('tree', 'fit', 'short.csv', '--target', 'a', '-o', 'x.json', cwd=place).fails(
        1, 'short.csv: line 2: has 2 cells, but the header has 1')
    xai('tree', 'fit', 'text.csv', '--target', 'b', '-o', 'x.json', cwd=place).fails(1, "line 2, column 1 ('a')", "'x'")
    xai('tree', 'fit', 't.csv', '--target', 'b', '-o', 'x.json', cwd=place).fails(1, "no column 'b'", "'class'")
    xai('tree', 'fit', 'bare.csv', '--target', 'b', '-o', 'x.json', cwd=place).fails(1, 'bare.csv: has no rows')
    xai('tree', 'fit', 't.csv', '-o', 'x.json', cwd=place).fails(2, '--target')
    xai('tree', 'fit', 't.csv', '--target', 'class', cwd=place).fails(2, '-o')
    xai('tree', 'fit', 't.csv', '--target', 'class', '-o', 'x.json', '--ccp-alpha', '-1', cwd=place).fails(2, '"-1"')
    xai('tree', 'fit', 't.csv', '--target', 'class', '-o', 'x.json', '--cuts', '2', cwd=place).fails(1, 'n_cuts', 'cart')
    xai('tree', 'predict', 't.csv', 't.csv', cwd=place).fails(1, 't.csv')
    assert not os.path.exists(os.path.join(place, 'x.json'))
    line = xai('tree', 'fit', 'numbers.csv', '--target', 'b', '--criterion', 'squared_error', '-o', 'r.json', cwd=place)
    assert line.works() == 'r.json: 5 nodes, mean squared error 0 on the 3 rows of the fit\n', line.out
    assert xai('tree', 'predict', 'r.json', 'numbers.csv', cwd=place).works() == 'prediction\n2\n4\n5\n'
    xai('tree', 'predict', 'r.json', 't.csv', cwd=place).fails(1, "no column 'a'")
    xai('tree', 'explain', 'r.json', 'numbers.csv', '--row', '4', cwd=place).fails(1, 'no row 4, only 3')
    xai('tree', 'prune', 'r.json', '-o', 'x.json', cwd=place).fails(2, '--ccp-alpha')
    xai('tree', 'grow').fails(2, 'tree fit, tree predict')
    xai('tree').fails(2, 'tree fit, tree predict')


def read_json(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def leaves(nodes):
    return [node['label'] for node in sorted((n for n in nodes if 'class' in n), key=lambda n: n['class'])]


def test_hierarchy_induce():
    none = ('--wordnet', 'nowhere')
    xai('hierarchy', 'induce', *NET, *none).fails(1, 'nowhere/data.noun')
    with open(os.path.join(WORK, 'ids.txt'), 'w', encoding='utf-8') as file:
        file.write('\n'.join(f'id{index}' for index in range(10)))
    with open(os.path.join(WORK, 'ids.json'), 'w', encoding='utf-8') as file:
        json.dump([f'id{index}' for index in range(10)], file)
    ids = ('--wnids', 'ids.txt')
    assert xai('hierarchy', 'induce', *NET, *ids, '-o', 'built.json').works() == 'built.json\n'
    with open(os.path.join(WORK, 'built.json'), encoding='utf-8') as file:
        built = json.load(file)
    assert len(built['nodes']) == 19 and len(built['links']) == 18 and leaves(built['nodes']) == LABELS, built
    assert [node['id'] for node in built['nodes'][8:12]] == ['id8', 'id9', 'f00000010', 'f00000011'], built
    xai('hierarchy', 'induce', *NET, '--wnids', 'ids.json', '-q', '-o', 'again.json').works()
    with open(os.path.join(WORK, 'again.json'), encoding='utf-8') as file:
        assert json.load(file) == built
    text = xai('hierarchy', 'induce', *NET, *ids, '--method', 'random', '--branching', '4', '--seed', '3').works()
    assert all(label in text for label in LABELS) and text.count('\n') == 14, text
    assert text != xai('hierarchy', 'induce', *NET, *ids, '--method', 'random', '--branching', '4').works()
    xai('hierarchy', 'induce', *NET, '--method', 'guess').fails(1, 'guess', 'induced, wordnet, random')
    with open(os.path.join(WORK, 'ids.txt'), 'w', encoding='utf-8') as file:
        file.write('id0\nid1\n')
    xai('hierarchy', 'induce', *NET, '--wnids', 'ids.txt').fails(1, 'ids.txt', '2 ids', '10 classes')
    with open(os.path.join(WORK, 'ids.json'), 'w', encoding='utf-8') as file:
        file.write('[1, 2')
    xai('hierarchy', 'induce', *NET, '--wnids', 'ids.json').fails(1, 'ids.json', 'JSON array')
    xai('hierarchy', 'induce', *NET, '--wnids', 'gone.txt').fails(1, 'gone.txt')
    xai('hierarchy', 'induce', *NET, '--wnids', '.').fails(1, '.: cannot be read', 'directory')


def test_nbdt_induce():
    """The tree that is built on the way decides as the one in the file."""
    needs('png')
    ids = ()
    if not os.path.exists('/usr/share/wordnet/data.noun'):
        with open(os.path.join(WORK, 'names.txt'), 'w', encoding='utf-8') as file:
            file.write('\n'.join(f'id{index}' for index in range(10)))
        ids = ('--wnids', 'names.txt')
    xai('hierarchy', 'induce', *NET, *ids, '-o', 'own.json').works()
    assert xai('nbdt', *NET, '--induce', *ids, 'a.png').works() == \
        xai('nbdt', *NET, '--hierarchy', 'own.json', 'a.png').works()
    xai('nbdt', *NET, '--induce', '--hierarchy', 'own.json', 'a.png').fails(2, '--induce')


def children(document):
    below = {}
    for link in document['links']:
        below.setdefault(link['source'], []).append(link['target'])
    return below


def test_hierarchies_of_nbdt():
    """All of them come out as they went in, and can be drawn."""
    root = data('nbdt/hierarchies')
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
    assert len(paths) == 16, paths
    for path in paths:
        xai('hierarchy', 'convert', path, 'same.json').works()
        with open(path, encoding='utf-8') as file:
            before = json.load(file)
        with open(os.path.join(WORK, 'same.json'), encoding='utf-8') as file:
            after = json.load(file)
        classes = [node.pop('class', None) for node in after['nodes']]
        below = children(before)
        assert after['nodes'] == before['nodes'] and children(after) == below, path
        expected = iter(range(len(classes)))
        assert classes == [None if node['id'] in below else next(expected) for node in before['nodes']], path
        for ending in ('txt', 'dot', 'svg', 'html'):
            xai('hierarchy', 'convert', 'same.json', f'same.{ending}').works()
            assert os.path.getsize(os.path.join(WORK, f'same.{ending}')) > 300, (path, ending)


def test_hierarchy_show_and_convert():
    write_hierarchy(os.path.join(WORK, 'h.json'), 10)
    write_hierarchy(os.path.join(WORK, 'h9.json'), 9)
    text = xai('hierarchy', 'show', 'h.json').works()
    assert text.startswith('root\n') and text.count('\n') == 13 and 'leaf 9' in text, text
    assert xai('hierarchy', 'show', 'h.json', '-o', 'h.dot').works() == 'h.dot\n'
    xai('hierarchy', 'show', 'h.json', '-o', 'h.doc').fails(1, 'h.doc', '.json')
    for option, name in (((), 'links'), (('--edges',), 'edges')):
        assert xai('hierarchy', 'convert', *option, 'h.json', 'out.json').works() == 'out.json\n'
        with open(os.path.join(WORK, 'out.json'), encoding='utf-8') as file:
            document = json.load(file)
        assert len(document[name]) == 12 and ('links' in document) != ('edges' in document), document
        assert xai('hierarchy', 'show', 'out.json').works() == text
    xai('hierarchy', 'convert', '--edges', 'out.json', 'h.txt').works()
    with open(os.path.join(WORK, 'h.txt'), encoding='utf-8') as file:
        assert file.read() == text
    xai('hierarchy', 'show', 'net.json').fails(1, 'net.json', 'not a tree')
    xai('hierarchy', 'convert', 'h.json').fails(2, 'usage')
    xai('hierarchy', 'convert', 'h.json', 'https://example.org/h.json').fails(1, 'URL')
    needs('png')
    shown = xai('hierarchy', 'show', 'h.json', *NET, '--image', 'a.png').works()
    steps = json.loads(xai('nbdt', *NET, '--hierarchy', 'h.json', '--json', 'a.png').works())['decisions']
    for step in steps[1:]:
        assert f'{step["name"]} ({100 * step["probability"]:.2f}%)' in shown, (step, shown)
    assert shown.count('\n* ') + shown.startswith('* ') == 3, shown
    xai('hierarchy', 'show', 'h9.json', *NET, '--image', 'a.png').fails(1, 'h9.json', '9', '10')



def test_imagenet_labels():
    labels = read_json(os.path.join(SOURCE, 'examples/models/imagenet_labels.json'))
    wnids = read_json(os.path.join(SOURCE, 'examples/models/imagenet_wnids.json'))
    assert len(labels) == len(set(wnids)) == 1000 and labels[283] == 'Persian cat'
    published = read_json(data('tutorial/imagenet_idx_to_label.json'))
    assert labels == [published[str(index)] for index in range(1000)]
    with open(data('nbdt/wnids/Imagenet1000.txt'), encoding='utf-8') as file:
        assert wnids == file.read().split()


def test_imagenet_labels_are_made():
    if not os.path.exists('/usr/share/wordnet/data.noun'):
        raise Skip("WordNet is not installed (Debian's wordnet-base)")
    models = os.path.join(SOURCE, 'examples', 'models')
    made = os.path.join(WORK, 'made.json')
    subprocess.run([sys.executable, os.path.join(models, 'make_imagenet_labels.py'), '-o', made], check=True)
    assert read_json(made) == read_json(os.path.join(models, 'imagenet_labels.json'))


def test_manifests_load():
    """Each names an architecture that there is and fits it, but for the weights, which are not here."""
    models = os.path.join(SOURCE, 'examples', 'models')
    architectures = json.loads(xai('info', '--json').works())['architectures']
    names = [name for name in sorted(os.listdir(models)) if name.endswith('.json') and not name.startswith('imagenet_')
             and not name.endswith('_hierarchy.json')]
    assert len(names) == 12, names
    for name in names:
        manifest = read_json(os.path.join(models, name))
        assert manifest['arch'] == name[:-5] and manifest['arch'] in architectures, name
        layers = xai('layers', '-m', os.path.join(models, name))
        if os.path.exists(os.path.join(models, manifest['weights'])):
            assert 'layer3.residual' in layers.works()
        else:
            layers.fails(1, manifest['weights'])


def test_our_own_network():
    """It comes with all that it needs, and small enough to be here."""
    needs('png')
    models = os.path.join(SOURCE, 'examples', 'models')
    size = sum(os.path.getsize(os.path.join(models, name)) for name in os.listdir(models) if 'cifar10' in name
               and not name.startswith('wrn'))
    assert size <= 1500000, size
    line = run('step_4_nbdt', '-m', os.path.join(models, 'resnet9_cifar10.json'), 'a.png').works()
    label, steps = line.removeprefix('Prediction: ').rstrip().split(' // Decisions: ')
    names = [step.rsplit(' (', 1)[0] for step in steps.split(', ')]
    assert label in LABELS and names[0] in ('animal', 'vehicle') and names[-1] == label, line
    own = json.loads(xai('nbdt', '-m', os.path.join(models, 'resnet9_cifar10.json'), '--json', 'a.png').works())
    assert own['decisions'][0]['name'] == 'whole' and own['prediction']['label'] == label, own


def test_our_own_hierarchy():
    """What Ward's method makes of the network's own weights, named by WordNet."""
    if not os.path.exists('/usr/share/wordnet/data.noun'):
        raise Skip("WordNet is not installed (Debian's wordnet-base)")
    models = os.path.join(SOURCE, 'examples', 'models')
    made = os.path.join(WORK, 'own_hierarchy.json')
    xai('hierarchy', 'induce', '-q', '-m', os.path.join(models, 'resnet9_cifar10.json'), '-o', made).works()
    assert read_json(made) == read_json(os.path.join(models, 'resnet9_cifar10_hierarchy.json'))


# Real networks on the tutorial's photograph.

def test_step_4():
    needs('jpeg')
    net = ('-m', os.path.join(SOURCE, 'examples/models/cifar_resnet56.json'), '--weights',
           data('cifar10-resnet/resnet56-4bfd9763.th'), '--hierarchy',
           data('nbdt/hierarchies/CIFAR10/graph-induced-wrn28_10_cifar10.json'))
    photograph = data('tutorial/catdog.jpg')
    assert run('step_4_nbdt', *net, photograph).works() == \
        'Prediction: cat // Decisions: animal (89.92%), chordate (83.88%), carnivore (100.00%), cat (99.99%)\n'
    other = ('--mean', '.4914,.4822,.4465', '--std', '.2023,.1994,.2010')
    assert run('step_4_nbdt', *net, *other, photograph).works() == \
        'Prediction: cat // Decisions: animal (97.36%), chordate (82.87%), carnivore (100.00%), cat (99.97%)\n'


def test_resnet18():
    needs('jpeg')
    photograph = data('tutorial/catdog.jpg')
    net = ('-m', os.path.join(SOURCE, 'examples/models/resnet18.json'), '--weights',
           data('imagenet-resnet18-pq/resnet18.safetensors'))
    place = folder('resnet18')
    assert run('step_2_pretrained', *net, photograph).works() == 'Prediction: Persian cat\n'
    best = json.loads(xai('classify', *net, '--json', photograph).works())['predictions'][0]
    assert best['index'] == 283 and abs(best['probability'] - 0.56363) < 1e-3, best
    assert abs(best['logit'] - 12.2106) < 1e-2, best
    run('step_3_cam', *net, '--profile', 'tutorial', photograph, cwd=place).works()
    assert sorted(os.listdir(place)) == ['combined.jpg', 'heatmap.jpg']
    named = ('classify', '--arch', 'resnet18', *net[2:], '--json')
    bare = json.loads(xai(*named, photograph).works())['predictions'][0]
    assert bare['index'] == 283 and bare['label'] is None, bare


def test_cifar_th():
    place = folder('th')
    weights = data('cifar10-resnet/resnet56-4bfd9763.th')
    assert xai('convert', weights, 'r.safetensors', cwd=place).works() == 'r.safetensors\n'
    xai('layers', '-m', os.path.join(SOURCE, 'examples/models/cifar_resnet56.json'), '--weights',
        os.path.join(place, 'r.safetensors')).works()
    xai('layers', '--arch', 'resnet18', '--weights', weights).fails(1, 'resnet56-4bfd9763.th')


def test_default_model():
    needs('jpeg')
    net = ('-m', installed_model())
    best = json.loads(xai('classify', *net, '--json', data('tutorial/catdog.jpg')).works())['predictions'][0]
    assert best['label'] == 'Persian cat' and abs(best['probability'] - 0.2444) < 1e-3, best


def main():
    tests = [(name[5:], test) for name, test in globals().items() if name.startswith('test_')]
    failed = 0
    print(f'1..{len(tests)}')
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f'ok {number} - {name}')
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {reason}')
        except Exception:  # the rest go on
            failed += 1
            print(f'not ok {number} - {name}')
            traceback.print_exc(limit=-3)
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as WORK:
        write_weights(os.path.join(WORK, 'net.safetensors'))
        write_manifest(os.path.join(WORK, 'net.json'))
        write_picture(os.path.join(WORK, 'a.png'), 1)
        write_picture(os.path.join(WORK, 'b.png'), 2)
        with open(os.path.join(WORK, 'broken.png'), 'wb') as broken:
            broken.write(b'\x89PNG\r\n\x1a\nnonsense')
        with open(os.path.join(WORK, 'labels.txt'), 'w', encoding='utf-8') as labels:
            labels.write(''.join(f'spaniel {index}\n' for index in range(10)))
        sys.exit(main())
