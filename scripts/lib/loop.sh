# shellcheck shell=bash
# attach and detach: loop devices on device files.

# The largest request that the kernel passes to a FUSE file in one piece, in KiB. Larger ones of
# the loop device would be cut into a large and a small one.
readonly LOOP_REQUEST_KIB=1024

# How long a detached loop device may take to go, in milliseconds.
readonly DETACH_LIMIT=10000

command_attach() {
    local file loop queue size
    local -a how=(--find --show)
    [[ $# -ge 1 && $1 != -* ]] ||
        usage_error "attach: it is attach DIR/DEVICE [LOSETUP-OPTION …]"
    need_losetup
    need_device "$1"
    shift
    file=$DIR/$DEVICE
    [[ " $* " == *' --direct-io'* ]] || how+=(--direct-io=on)
    size=$(block_size "$DIR/.sluice/$DEVICE/status.json")
    if [[ " $* " != *' --sector-size'* && " $* " != *' -b'* ]] && ((size >= 512)); then
        how+=(--sector-size "$size")
    fi
    loop=$(losetup "${how[@]}" "$@" -- "$file") || die "losetup could not attach $file;" \
        "it said why above"
    queue=/sys/block/${loop#/dev/}/queue/max_sectors_kb
    if [[ -w $queue ]] && (($(cat "$queue") > LOOP_REQUEST_KIB)); then
        printf '%s\n' "$LOOP_REQUEST_KIB" >"$queue"
    fi
    if [[ " $* " != *' --direct-io=off'* &&
        $(cat "/sys/block/${loop#/dev/}/loop/dio" 2>/dev/null) == 0 ]]; then
        say "warning: the kernel refused direct I/O for $loop; its data is cached twice"
    fi
    printf '%s\n' "$loop"
}

need_losetup() {
    command -v losetup >/dev/null || die "there is no losetup; on Debian it is in util-linux"
    [[ -e /dev/loop-control ]] || die "there is no /dev/loop-control; modprobe loop makes it"
    [[ -r /dev/loop-control && -w /dev/loop-control ]] ||
        die "user $EUID may not make loop devices; root can, or members of the group disk"
}

# The device's block size in bytes; 1 where it has none of its own. A loop device can impose
# 512 bytes up to a page.
block_size() {
    local size
    size=$(sed -n 's/.*"block_size" *: *\([0-9]*\).*/\1/p' "$1" 2>/dev/null | head -n 1) || true
    ((${size:-1} <= 4096)) || size=4096
    printf '%s\n' "${size:-1}"
}

command_detach() {
    local loop file why until where
    [[ $# == 1 && $1 != -* ]] || usage_error "detach: it is detach LOOPDEVICE"
    need_losetup
    loop=${1#/dev/}
    [[ $loop =~ ^loop[0-9]+$ && -e /sys/block/$loop ]] || die "$1 is not a loop device;" \
        "name one as /dev/loop0, losetup --list shows them"
    backing "$loop" || die "/dev/$loop is not attached to anything;" \
        "losetup --list shows those that are"
    on_sluice "$file" ||
        die "/dev/$loop holds $file, which is not on a sluice mount; losetup -d takes it away"
    where=$(mounted_at "$loop")
    [[ -z $where ]] || die "/dev/$loop is mounted at $where; umount $where first"
    why=$(losetup -d "/dev/$loop" 2>&1) || die "/dev/$loop could not be detached" \
        "(${why##*: }); end what uses it, and try again"
    # The kernel takes it away when its last user closes it, which may be later.
    until=$((${EPOCHREALTIME/./} + DETACH_LIMIT * 1000))
    while backing "$loop"; do
        ((${EPOCHREALTIME/./} < until)) ||
            die "/dev/$loop is still in use$(users_of "/dev/$loop"); it goes when that ends"
        sleep 0.02
    done
}

# Sets file to what a loop device holds; false when nothing.
backing() {
    { read -r file <"/sys/block/$1/loop/backing_file"; } 2>/dev/null
}

# Whether the file of a loop device is on a sluice mount, or on one that was taken away by force:
# of that, the kernel still knows a path, but there is no such file.
on_sluice() {
    local dir=${1%/*}
    find_sluice "${dir:-/}" && return
    [[ $1 != *' (deleted)' ]] && ! timeout 5 stat -- "$1" >/dev/null 2>&1
}

# Where a block device is mounted, if it is.
mounted_at() {
    local dev line
    local -a lines f
    dev=$(cat "/sys/block/$1/dev")
    mapfile -t lines </proc/self/mountinfo
    for line in "${lines[@]}"; do
        read -ra f <<<"$line"
        if [[ ${f[2]} == "$dev" ]]; then
            printf '%b\n' "${f[4]}"
            return
        fi
    done
}
