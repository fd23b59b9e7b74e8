# shellcheck shell=bash
# A view of this machine in which anything may be changed: its files, copied when they are written
# to, with systemd as process 1, in namespaces and a cgroup of its own. All of it is in memory, and
# goes with end_view.

# How long systemd may take to come up, in seconds.
readonly VIEW_LIMIT=180

VIEW='' VIEW_CGROUP='' VIEW_PID='' VIEW_INIT=''

# Starts it; as root.
start_view() {
    local base=/sys/fs/cgroup/unified
    [[ -d $base ]] || base=/sys/fs/cgroup
    VIEW=$(mktemp -d /tmp/sluice-view.XXXXXX)
    VIEW_CGROUP=$base/${VIEW##*/}
    mkdir -- "$VIEW_CGROUP" || die "no cgroup can be made in $base; run this where root may"
    (
        # From here on the root of its cgroups is this one.
        echo "$BASHPID" >"$VIEW_CGROUP/cgroup.procs"
        exec unshare --mount --propagation private --pid --fork --kill-child --cgroup --ipc --uts \
            --net bash -c "$(declare -f become_view); set -euo pipefail; become_view \"\$1\"" \
            bash "$VIEW"
    ) >"$VIEW/log" 2>&1 </dev/null &
    VIEW_PID=$!
    await_view || die "systemd did not come up in a view of this machine:" \
        "$(tail -n 3 "$VIEW/log" | tr '\n' ' ')"
}

await_view() {
    local i
    for ((i = 0; i < VIEW_LIMIT * 10; i++)); do
        kill -0 "$VIEW_PID" 2>/dev/null || return 1
        VIEW_INIT=$(cat "/proc/$VIEW_PID/task/$VIEW_PID/children" 2>/dev/null) || true
        VIEW_INIT=${VIEW_INIT%% *}
        if [[ -n $VIEW_INIT && $(cat "/proc/$VIEW_INIT/comm" 2>/dev/null) == systemd ]] &&
            in_view systemctl is-active -q basic.target 2>/dev/null; then
            return
        fi
        sleep 0.1
    done
    return 1
}

# Runs a command there.
in_view() {
    nsenter --target "$VIEW_INIT" --mount --pid --cgroup --ipc --uts --net --root \
        env -i -C / PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        TERM=dumb "$@"
}

# Nothing of it stays.
end_view() {
    local i
    [[ -n $VIEW ]] || return 0
    if [[ -n $VIEW_PID ]]; then
        # What is process 1 in there ends with it, and all others with that.
        kill -KILL "$VIEW_PID" 2>/dev/null
        wait "$VIEW_PID" 2>/dev/null
    fi
    for ((i = 0; i < 600; i++)); do
        find "$VIEW_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.1
    done
    rm -rf --one-file-system -- "$VIEW"
}

# What becomes process 1: makes the view, and starts systemd in it. $1 is an empty folder.
become_view() {
    local root=$1/root name units=/lib/systemd/system
    mount -t tmpfs -o size=1g tmpfs "$1"
    mkdir "$1/upper" "$1/work" "$root"
    mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$root"
    mount -t proc proc "$root/proc"
    # What is set there holds for the machine.
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs sysfs "$root/sys"
    mount -t fusectl fusectl "$root/sys/fs/fuse/connections"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for name in null zero full random urandom tty fuse loop-control; do
        cp -a "/dev/$name" "$root/dev/"
    done
    for ((name = 0; name < 64; name++)); do
        mknod "$root/dev/loop$name" b 7 "$name"
    done
    mkdir "$root/dev/pts" "$root/dev/shm" "$root/mnt/old"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    # Of all that a machine does when it starts, only its journal: nothing that sets the clock, the
    # kernel or devices.
    : >"$root/etc/fstab"
    rm -rf "$root"/etc/systemd/system "$root$units"/*.target.wants
    mkdir -p "$root/etc/systemd/system"/{sysinit,sockets}.target.wants
    ln -s "$units/systemd-journald.service" "$root/etc/systemd/system/sysinit.target.wants/"
    ln -s "$units"/systemd-journald{,-dev-log}.socket \
        "$root/etc/systemd/system/sockets.target.wants/"
    cd -- "$root"
    pivot_root . mnt/old
    umount -l /mnt/old
    exec env -i container=view PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        setpriv --bounding-set -sys_time,-sys_module,-sys_rawio \
        /lib/systemd/systemd --unit=basic.target --log-target=null
}
