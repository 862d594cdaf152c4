#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The page about a tree in a real browser, where one is installed: it folds, finds, answers keys, and runs no name.
"""usage: page.py LIBXAI_SO"""
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
MARKUP = '</script><script>document.title="run"</script><img src=x onerror="document.title=\'run\'">&amp;'

# Acts as a reader does and writes what came of it as the page's only content.
SCRIPT = '''
const said = [], el = (id) => document.getElementById(id);
const say = (name, value) => said.push([name, value]);
const press = (key) => (document.activeElement.closest('#nodes') ? document.activeElement : document.querySelector('.chosen'))
  .dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
const search = (words) => { el('find').value = words; el('find').dispatchEvent(new Event('input')); };
window.addEventListener('error', (event) => say('error', event.message));
const names = (which) => [...document.querySelectorAll(which + ' text')].map((text) => text.firstChild.textContent);
say('path', names('.node.path'));
say('steps', [...document.querySelectorAll('#decisions .step')].map((step) => step.textContent));
el('close').click();
say('closed', names('.node'));
press('Enter');
press('ArrowRight');
say('key', document.activeElement.getAttribute('aria-label'));
el('open').click();
say('open', el('count').textContent);
say('names', names('.node'));
search('leaf 33');
say('found', el('found').textContent);
say('chosen', document.querySelector('.chosen title').textContent);
search('');
say('title', document.title);
document.body.textContent = JSON.stringify(said);
'''


def make_tree(path):
    """A root, eight inner nodes, the first with a name that is markup, and six leaves each."""
    inner = [MARKUP] + [f'group {i}' for i in range(1, 8)]
    nodes = [{'id': 'r', 'label': 'whole'}] + [{'id': f'i{i}', 'label': label} for i, label in enumerate(inner)]
    nodes += [{'id': f'l{i}', 'label': f'leaf {i}'} for i in range(48)]
    links = [{'source': 'r', 'target': f'i{i}'} for i in range(8)]
    links += [{'source': f'i{i // 6}', 'target': f'l{i}'} for i in range(48)]
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'nodes': nodes, 'links': links}, file)


class Options(ctypes.Structure):
    """xai_export_options"""
    _fields_ = [('struct_size', ctypes.c_size_t), ('row', ctypes.POINTER(ctypes.c_float)), ('row_size', ctypes.c_size_t),
                ('feature_names', ctypes.c_void_p), ('class_names', ctypes.c_void_p), ('title', ctypes.c_char_p),
                ('mode', ctypes.c_uint32), ('reserved', ctypes.c_uint32)]


def show(folder, ending):
    """The tree with the path to leaf 7, as the ending says."""
    xai = ctypes.CDLL(os.path.abspath(sys.argv[1]))
    xai.xai_last_error.restype = ctypes.c_char_p
    context, tree = ctypes.c_void_p(), ctypes.c_void_p()
    options = Options(ctypes.sizeof(Options), (ctypes.c_float * 48)(*[3 * (i == 7) for i in range(48)]), 48, title=MARKUP.encode())
    out = os.path.join(folder, 'tree' + ending)
    failed = (xai.xai_context_create(ctypes.byref(context), None) or
              xai.xai_tree_load(ctypes.byref(tree), context, os.path.join(folder, 'tree.json').encode()) or
              xai.xai_tree_save(tree, out.encode(), ctypes.byref(options)))
    assert not failed, xai.xai_last_error()
    xai.xai_tree_unref(tree)
    xai.xai_context_unref(context)
    with open(out, encoding='utf-8') as file:
        return file.read()


def browse(folder, page):
    path = os.path.join(folder, 'driven.html')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(page.replace('</body>', f'<script>{SCRIPT}</script></body>'))
    ran = subprocess.run([BROWSER, '--headless', '--no-sandbox', '--disable-gpu', f'--user-data-dir={folder}/profile',
                          '--window-size=1200,700', '--virtual-time-budget=5000', '--dump-dom', 'file://' + path],
                         capture_output=True, text=True, timeout=240, check=False)
    found = re.search(r'<body>(\[.*\])\s*</body>', ran.stdout, flags=re.S)
    assert found, (ran.returncode, ran.stdout[-500:], ran.stderr[-2000:])
    return found.group(1).replace('&lt;', '<').replace('&gt;', '>').replace('&amp;', '&')


def check_browser(folder):
    said = dict(json.loads(browse(folder, show(folder, '.html'))))
    assert 'error' not in said, said['error']
    assert said['title'] == MARKUP, said['title']
    assert said['path'] == ['whole', 'group 1', 'leaf 7'], said['path']
    assert said['steps'][1].startswith('leaf 7') and said['steps'][1].endswith('%'), said['steps']
    assert said['closed'] == ['whole'] and said['key'].startswith(MARKUP), said
    assert said['open'] == '57 of 57 nodes shown' and 'leaf 7' in said['names'], said
    assert said['found'] == '1 of 1' and said['chosen'].startswith('leaf 33 · l33'), said


def check_svg(folder):
    document = xml.dom.minidom.parseString(show(folder, '.svg').encode())
    titles = [title.firstChild.data for title in document.getElementsByTagName('title')]
    assert titles[0] == MARKUP and titles[2].startswith(MARKUP + ' · i0 · ') and len(titles) == 58, titles[:3]
    assert not document.getElementsByTagName('script') and not document.getElementsByTagName('img')


def main():
    print('1..2')
    with tempfile.TemporaryDirectory() as folder:
        make_tree(os.path.join(folder, 'tree.json'))
        check_svg(folder)
        print('ok 1 - svg')
        if BROWSER is None:
            print('ok 2 - browser # SKIP no Chromium is installed')
        else:
            check_browser(folder)
            print('ok 2 - browser')


if __name__ == '__main__':
    main()
