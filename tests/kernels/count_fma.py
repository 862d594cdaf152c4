#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A fused multiply-add is exactly where vec_fma stands: count them in each instruction set's object code.

Usage: count_fma.py ISA ARCHIVE. Exit status 77 (skipped) without objdump or with objects that hold no machine code.
"""
import re
import shutil
import subprocess
import sys

PARTS = {"avx512": 1, "avx2": 2, "baseline": 4}  # registers a block


def functions(archive):
    """Name -> list of mnemonics."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", archive], check=True, capture_output=True, text=True)
    found, current = {}, None
    for line in text.stdout.splitlines():
        head = re.match(r"^[0-9a-f]+ <([^>]+)>:$", line)
        if head:
            current = found.setdefault(head.group(1), [])
            continue
        instruction = re.match(r"^\s+[0-9a-f]+:\s+(\S+)", line)
        if instruction and current is not None:
            current.append(instruction.group(1))
    return found


def count(instructions, pattern):
    return sum(re.match(pattern, i) is not None for i in instructions)


def check_tile(name, instructions, isa):
    """A tile sums, and its epilogue scales and shifts, fused; it adds alone and multiplies alone."""
    blocks, pixels = map(int, re.match(r"dot_(\d+)x(\d+)", name).groups())
    n = blocks * pixels * PARTS[isa]
    fused, adds, products = (count(instructions, p) for p in (r"vfn?madd\d+ps", r"v?addps", r"v?mulps"))
    want = (2 * n, n, n) if isa != "baseline" else (0, 3 * n, 3 * n)
    if fused < want[0] or (isa == "baseline" and fused) or adds < want[1] or products < want[2]:
        return f"{name}: {fused} fused, {adds} additions, {products} products; expected at least {want}"
    return None


def check_products(name, instructions, isa):
    """Winograd's products are summed fused; that is all they are."""
    blocks, patches = map(int, re.match(r"products_(\d+)x(\d+)", name).groups())
    want = blocks * patches * PARTS[isa] if isa != "baseline" else 0
    fused = count(instructions, r"vfn?madd\d+ps")
    return f"{name}: {fused} fused; expected at least {want}" if fused < want else None


def main():
    isa, archive = sys.argv[1:]
    if shutil.which("objdump") is None:
        print("SKIP: no objdump")
        return 77
    code = functions(archive)
    tiles = {name: code[name] for name in code if re.fullmatch(r"dot_\d+x\d+", name)}
    if not tiles:
        print("SKIP: the archive holds no machine code")
        return 77
    wrong = [w for w in (check_tile(name, tiles[name], isa) for name in tiles) if w]
    products = {name: code[name] for name in code if re.fullmatch(r"products_\d+x\d+", name)}
    if len(products) != len(tiles):
        wrong.append(f"{len(products)} tiles of Winograd's products, but {len(tiles)} of other matrices")
    wrong += [w for w in (check_products(name, products[name], isa) for name in products) if w]
    fused = sum(count(i, r"vfn?m(add|sub)\d+[ps]s") for i in code.values())
    if isa == "baseline" and fused:
        wrong.append(f"{fused} fused instructions in the baseline")
    if isa != "baseline" and count(code.get("fma_taps", []), r"vfn?madd\d+ps") == 0:
        wrong.append("no fused instruction in fma_taps")
    print(f"{isa}: {len(tiles)} tiles, {fused} fused instructions")
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())
