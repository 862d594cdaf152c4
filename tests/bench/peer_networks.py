#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Forward passes of whole networks beside other runtimes. Each runtime is a process of its own, which loads once and then
# waits for its turn; turns go round, so that what disturbs the machine disturbs all.
"""Time `xai bench` against onnxruntime, OpenVINO, ncnn, MNN and torch: whichever are installed.

Networks have random weights; all but libxai get them from tests/golden/make_zoo.py. Nothing here passes or fails."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(os.path.dirname(HERE), 'golden')
SIDES = {'resnet18': 224, 'mobilenet_v2': 224, 'efficientnet_lite0': 224, 'wrn28_10_cifar10': 32, 'cifar_resnet20': 32}


def build(name):
    sys.path.insert(0, GOLDEN)
    import make_zoo
    return make_zoo.NETWORKS[name]().eval()


def picture(options):
    import numpy
    side = SIDES[options.network]
    return numpy.random.default_rng(0).uniform(-2, 2, (options.batch, 3, side, side)).astype(numpy.float32)


def onnx(options):
    """Path of the network as ONNX, written by whoever comes first; batch norms are folded, as a user would have it."""
    path = os.path.join(options.folder, 'network.onnx')
    if not os.path.exists(path):
        import torch
        torch.onnx.export(build(options.network), torch.from_numpy(picture(options)), path, input_names=['x'],
                          output_names=['y'], dynamo=False)
    return path


# Each returns a function of no arguments: one forward pass.


def run_torch(options):
    import torch
    torch.set_num_threads(options.threads)
    network, x = build(options.network), torch.from_numpy(picture(options))

    def forward():
        with torch.inference_mode():
            network(x)
    return forward


def run_onnxruntime(options):
    import onnxruntime
    how = onnxruntime.SessionOptions()
    how.intra_op_num_threads, how.inter_op_num_threads = options.threads, 1
    session, x = onnxruntime.InferenceSession(onnx(options), how, providers=['CPUExecutionProvider']), picture(options)
    return lambda: session.run(None, {'x': x})


def run_openvino(options, precision='f32'):
    import openvino
    core = openvino.Core()
    how = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': options.threads, 'NUM_STREAMS': 1}
    if precision is not None:
        how['INFERENCE_PRECISION_HINT'] = precision
    request, x = core.compile_model(core.read_model(onnx(options)), 'CPU', how).create_infer_request(), picture(options)
    return lambda: request.infer({0: x}, share_inputs=True)


def run_openvino_default(options):
    """On processors with bfloat16 this is not float32."""
    return run_openvino(options, None)


def run_ncnn(options):
    import ncnn
    import pnnx
    import torch
    x = picture(options)[:1]
    network = build(options.network)
    import make_zoo
    # It has no slice with steps; the largest of one pixel is the same.
    make_zoo.Subsample.forward = lambda self, map: torch.nn.functional.pad(
        torch.nn.functional.max_pool2d(map, 1, 2), (0, 0, 0, 0, self.side, self.side))
    stem = os.path.join(options.folder, 'pnnx')
    os.makedirs(stem, exist_ok=True)
    pnnx.export(network, os.path.join(stem, 'network.pt'), (torch.from_numpy(x),), fp16=False)
    net = ncnn.Net()
    net.opt.num_threads = options.threads
    for flag in ('use_fp16_packed', 'use_fp16_storage', 'use_fp16_arithmetic', 'use_bf16_storage'):
        setattr(net.opt, flag, False)
    for load, end in ((net.load_param, 'param'), (net.load_model, 'bin')):
        if load(os.path.join(stem, f'network.ncnn.{end}')) != 0:
            raise RuntimeError(f'ncnn does not take what pnnx made of {options.network}')
    picture_in = ncnn.Mat(x[0])

    def forward():  # one picture after the other: it knows no batches
        for _ in range(options.batch):
            extractor = net.create_extractor()
            extractor.input('in0', picture_in)
            if extractor.extract('out0')[0] != 0:
                raise RuntimeError('ncnn did not compute the network')
    return forward


def run_mnn(options):
    import MNN
    path = os.path.join(options.folder, 'network.mnn')
    # The converter links against another toolchain's symbols when it is loaded beside torch: a process of its own.
    subprocess.run([sys.executable, '-c', 'import sys; from MNN.tools import mnnconvert; mnnconvert.main()', '-f', 'ONNX',
                    '--modelFile', onnx(options), '--MNNModel', path, '--bizCode', 'bench'], check=True,
                   stdout=subprocess.DEVNULL)
    x = picture(options)
    net = MNN.Interpreter(path)
    session = net.createSession({'numThread': options.threads, 'precision': 'high', 'backend': 'CPU'})
    source = net.getSessionInput(session)
    net.resizeTensor(source, x.shape)
    net.resizeSession(session)
    source.copyFrom(MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe))
    return lambda: net.runSession(session)


def run_libxai(options):
    """A turn is a process of its own here: it says itself what its passes took."""
    command = [os.path.join(options.build, 'examples', 'xai'), 'bench', '--arch', options.network, '--threads',
               str(options.threads), '--batch', str(options.batch), '--json', '--rounds']

    def turn(n):
        output = subprocess.run(command + [str(n)], check=True, capture_output=True, text=True).stdout
        return json.loads(output)['timings'][0]['min_seconds']
    return turn


ENGINES = {'libxai': run_libxai, 'onnxruntime': run_onnxruntime, 'openvino f32': run_openvino,
           'openvino default': run_openvino_default, 'ncnn': run_ncnn, 'mnn': run_mnn, 'torch': run_torch}


def least(forward, n):
    best = float('inf')
    for _ in range(n):
        start = time.perf_counter()
        forward()
        best = min(best, time.perf_counter() - start)
    return best


def work(options):
    """The process of one engine: a line with a number of passes in, a line with the least seconds out."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what runtimes print of their own
    turn = ENGINES[options.engine](options)
    if options.engine != 'libxai':
        forward = turn
        turn = lambda n: least(forward, n)
    turn(2)
    print('ready', file=answers, flush=True)
    for line in sys.stdin:
        print(turn(int(line)), file=answers, flush=True)


def start(engine, options, folder):
    command = [sys.executable, os.path.abspath(__file__), options.build, '--engine', engine, '--folder', folder,
               '--network', options.network, '--threads', str(options.threads), '--batch', str(options.batch)]
    environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads))
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=environment, cwd=folder)
    if process.stdout.readline().strip() == 'ready':
        return process
    why = (process.communicate()[1].strip().splitlines() or ['no reason given'])[-1]
    print(f'{engine}: left out ({why[:120]})')
    return None


def take_turn(process, n):
    process.stdin.write(f'{n}\n')
    process.stdin.flush()
    return float(process.stdout.readline())


def compare(options):
    with tempfile.TemporaryDirectory() as folder:
        processes = {engine: start(engine, options, folder) for engine in ENGINES}
        processes = {engine: process for engine, process in processes.items() if process is not None}
        times = {engine: [] for engine in processes}
        for _ in range(options.rounds):
            for engine, process in processes.items():
                times[engine].append(take_turn(process, options.passes))
        for process in processes.values():
            process.stdin.close()
            process.wait()
            process.stdout.close()
            process.stderr.close()
    print(f'{options.network}, {options.batch} picture(s), {options.threads} thread(s): least of {options.rounds} turns of '
          f'{options.passes} passes, load {os.getloadavg()[0]:.1f}')
    print(f'{"":<18} {"ms":>9} {"x libxai":>9}')
    for engine, rows in sorted(times.items(), key=lambda row: min(row[1])):
        ratio = min(rows) / min(times['libxai']) if 'libxai' in times else float('nan')
        print(f'{engine:<18} {1e3 * min(rows):9.3f} {ratio:9.2f}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', help='build folder')
    parser.add_argument('--network', default='resnet18', choices=sorted(SIDES))
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=4, help='turns of each runtime')
    parser.add_argument('--passes', type=int, default=20, help='forward passes a turn')
    parser.add_argument('--engine', choices=sorted(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument('--folder', help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    if options.engine is not None:
        work(options)
    else:
        compare(options)
    return 0


if __name__ == '__main__':
    sys.exit(main())
