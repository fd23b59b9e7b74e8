# shellcheck shell=bash
# What the commands share: sentences, paths, mounts, the runtime folder.

export LC_ALL=C
unset CDPATH

# One sentence for the user.
say() { printf 'sluice: %s\n' "$*" >&2; }

# One sentence, and the command has failed.
die() {
    say "$*"
    exit 1
}

# A wrong command line: one sentence that shows the right one.
usage_error() {
    say "$*; $SELF help explains"
    exit 2
}

# What to type to run this program again, for sentences.
SELF=scripts/sluice
[[ -e ${HOME_FOLDER-}/pom.xml ]] || SELF=sluice
readonly SELF

# The absolute path of a directory, found without asking the file system that may be mounted on
# it: a dead one fails every look, and one whose daemon is stopped would not answer.
absolute() {
    local path=$1 base parent
    while [[ $path == */ && $path != / ]]; do path=${path%/}; done
    base=${path##*/}
    case $base in
    '' | . | ..)
        timeout 5 realpath -- "$path" 2>/dev/null
        return
        ;;
    esac
    parent=.
    [[ $path == */* ]] && parent=${path%/*}
    parent=$(cd -P -- "${parent:-/}" 2>/dev/null && pwd -P) || return 1
    path=${parent%/}/$base
    if ! find_mount "$path" && [[ -L $path ]]; then
        path=$(timeout 5 readlink -f -- "$path") || return 1
    fi
    printf '%s\n' "$path"
}

# Finds what is mounted on exactly this absolute path, the topmost mount: sets MOUNT_TYPE,
# MOUNT_SOURCE, MOUNT_DEV (major:minor) and MOUNT_UID (whose daemon serves it).
find_mount() {
    local wanted=$1 point i line
    local -a lines f
    MOUNT_TYPE='' MOUNT_SOURCE='' MOUNT_DEV='' MOUNT_UID=''
    # In one go: read goes back in the file after each line, and as others unmount, lines move.
    mapfile -t lines </proc/self/mountinfo
    for line in "${lines[@]}"; do
        read -ra f <<<"$line"
        point=${f[4]}
        [[ $point == *\\* ]] && printf -v point '%b' "$point"
        [[ $point == "$wanted" ]] || continue
        # Optional fields of any number end with a dash.
        for ((i = 6; i < ${#f[@]}; i++)); do
            [[ ${f[i]} == - ]] && break
        done
        MOUNT_TYPE=${f[i + 1]} MOUNT_SOURCE=${f[i + 2]} MOUNT_DEV=${f[2]}
        MOUNT_UID=0
        [[ ${f[i + 3]-} =~ user_id=([0-9]+) ]] && MOUNT_UID=${BASH_REMATCH[1]}
    done
    [[ -n $MOUNT_TYPE ]]
}

# The same, if it is one of ours; its daemon may be gone.
find_sluice() {
    find_mount "$1" && is_sluice
}

is_sluice() {
    [[ $MOUNT_TYPE == fuse.sluice || $MOUNT_TYPE == fuse* && $MOUNT_SOURCE == sluice ]]
}

# How a mount answers: yes; gone (its daemon has ended); denied (it is another user's); hung.
answer() {
    local why
    if why=$(timeout 5 stat -- "$1/.sluice/version" 2>&1 >/dev/null); then
        printf 'yes\n'
        return
    fi
    case $why in
    *'not connected'* | *'connection abort'*) printf 'gone\n' ;;
    *'denied'*) printf 'denied\n' ;;
    *) printf 'hung\n' ;;
    esac
}

# Ends the command unless a sluice mount that answers is on the absolute path; $2 names what the
# user asked for.
need_mount() {
    find_sluice "$1" ||
        die "$2 is not on a sluice mount; $SELF mount TABLE DIR makes one"
    case $(answer "$1") in
    gone) die "the daemon of $1 is gone; $SELF umount --force $1 clears it away" ;;
    denied) die "$1 is the mount of user $MOUNT_UID, who alone may use it;" \
        "mount it with -o allow_other for others" ;;
    hung) die "the daemon of $1 does not answer; $SELF umount --force $1 ends it" ;;
    esac
}

# The file of one device: sets DIR (the mount) and DEVICE, or ends with a sentence.
need_device() {
    local path=$1 parent
    while [[ $path == */ ]]; do path=${path%/}; done
    DEVICE=${path##*/}
    parent=.
    [[ $path == */* ]] && parent=${path%/*}
    DIR=$(absolute "${parent:-/}") || DIR=
    need_mount "$DIR" "$1"
    [[ -n $DEVICE && -d $DIR/.sluice/$DEVICE ]] ||
        die "there is no device $DEVICE on $DIR; it has $(devices "$DIR")"
}

# The names of a mount's devices, for a sentence.
devices() {
    local names
    names=$(cd "$1/.sluice" && printf '%s\n' */ | sed 's|/$||; s/^\*$/none/')
    printf '%s\n' "${names//$'\n'/, }"
}

# The folder in which a user's daemons have theirs. Where it does not depend on the caller's
# environment, another shell, or root, finds it too.
runtime_base() {
    local uid=$1
    if ((uid == 0)) && [[ -w /run || $EUID != 0 ]]; then
        printf '/run/sluice-0\n'
    elif ((uid == EUID && uid != 0)) && [[ -n ${XDG_RUNTIME_DIR-} ]]; then
        printf '%s/sluice-%s\n' "$XDG_RUNTIME_DIR" "$uid"
    elif [[ -d /run/user/$uid ]] && ((uid != 0)); then
        printf '/run/user/%s/sluice-%s\n' "$uid" "$uid"
    else
        printf '/tmp/sluice-%s\n' "$uid"
    fi
}

# The runtime folder of the mount on this absolute path, served by this user: log, pid, result.
runtime_folder() {
    local name=${1//%/%25}
    name=${name//\//%2F}
    if ((${#name} > 200)); then
        name=$(printf '%s' "$1" | sha256sum | cut -c1-32)${name: -150}
    fi
    printf '%s/%s\n' "$(runtime_base "$2")" "$name"
}

# Makes that folder, for this user alone.
make_runtime_folder() {
    local base=${1%/*}
    mkdir -m 700 -- "$base" 2>/dev/null || true
    if [[ -L $base || ! -d $base || ! -O $base ]]; then
        die "the runtime folder $base cannot be used; it must be a folder of user $EUID's own"
    fi
    chmod 700 -- "$base"
    [[ -d $1 ]] || mkdir -m 700 -- "$1" || die "cannot make the runtime folder $1;" \
        "user $EUID must be able to write to $base"
}

# The pid of the daemon that uses this runtime folder, if it runs: the number in the file alone
# might by now be another program's.
daemon_pid() {
    local pid=
    [[ -r $1/pid ]] && { read -r pid <"$1/pid"; } 2>/dev/null || return 1
    [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
    { tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qxF -e "-Dsluice.runtime=$1"; } 2>/dev/null ||
        is_ending "$pid" || return 1
    printf '%s\n' "$pid"
}

# Whether a process has given up its memory, with which its arguments go, and still has its files.
# Its first thread may have ended long before the others.
is_ending() {
    local -a task
    local stat
    [[ -z $({ tr -d '\0' <"/proc/$1/cmdline"; } 2>/dev/null) ]] || return 1
    for stat in "/proc/$1"/task/*/stat; do
        { IFS= read -r stat <"$stat"; } 2>/dev/null || continue
        read -ra task <<<"${stat##*) }"
        # The kernel's own threads (PF_KTHREAD) never had any.
        [[ ${task[0]} == [ZX] ]] || ((task[6] & 0x200000)) || return 0
    done
    return 1
}

# Waits until the daemon of this runtime folder has ended; false when the milliseconds are over.
await_end() {
    local until=$((${EPOCHREALTIME/./} + $2 * 1000))
    while daemon_pid "$1" >/dev/null; do
        ((${EPOCHREALTIME/./} < until)) || return 1
        sleep 0.05
    done
}

# The loop devices whose files lie on the mount at this absolute path: "loop0 swap", one a line.
# Read from sysfs, since losetup asks the file system, which may not answer.
loops_on() {
    local entry file loop
    for entry in /sys/block/loop*/loop/backing_file; do
        { read -r file <"$entry"; } 2>/dev/null || continue
        [[ $file == "$1"/* ]] || continue
        loop=${entry#/sys/block/}
        printf '%s %s\n' "${loop%%/*}" "${file#"$1"/}"
    done
}
