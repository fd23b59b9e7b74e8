# shellcheck shell=bash
# mount: one daemon for one mount, in a session of its own.

# How long the devices may take to open, in seconds.
readonly MOUNT_LIMIT=60

command_mount() {
    local foreground='' options='' dm='' name='' table
    while (($# > 0)); do
        case $1 in
        -f) foreground=yes ;;
        --dm) dm=yes ;;
        --name)
            (($# > 1)) || usage_error "mount: --name needs a name"
            name=$2
            shift
            ;;
        -o)
            (($# > 1)) || usage_error "mount: -o needs options"
            options+=${options:+,}$2
            shift
            ;;
        -o?*) options+=${options:+,}${1#-o} ;;
        --)
            shift
            break
            ;;
        -?*) usage_error "mount: there is no option $1" ;;
        *) break ;;
        esac
        shift
    done
    (($# == 2)) || usage_error \
        "mount: it is mount [-f] [-o OPTIONS] [--dm [--name NAME]] TABLE DIR"
    table=$1
    [[ $table == - && -n $dm ]] || need_table "$table"
    need_mount_point "$2"
    serve "$foreground" "$table" "$2" mount ${options:+-o "$options"} ${dm:+--dm} \
        ${name:+--name "$name"}
}

# Starts the daemon that serves the table $2 at the directory $3 by the command behind it; in this
# very process if $1 is not empty.
serve() {
    local foreground=$1 table=$2 dir
    dir=$(absolute "$3") || die "$3 cannot be resolved; name a directory that exists"
    shift 3
    need_fuse
    find_java
    take_runtime_folder "$dir"
    local program=("${JVM[@]}" "-Dsluice.runtime=$RUN" "-XX:ErrorFile=$RUN/hs_err.log")
    if [[ $table == - ]]; then
        # The daemon has no standard input.
        table=$RUN/dm
        cat >"$table" || die "standard input could not be read; name a file instead"
    fi
    program+=(-jar "$JAR" "$@" -- "$table" "$dir")
    if [[ -n $foreground ]]; then
        printf '%s\n' $$ >"$RUN/pid"
        unset SLUICE_READY_FD
        [[ -z ${NOTIFY_SOCKET-} ]] || tell_systemd
        LC_ALL=C.UTF-8 exec "${program[@]}" {LOCK}<&-
    fi
    start "$dir" "${program[@]}"
}

# Has systemd told when the program, which this shell becomes, says that it is ready. Who tells is
# no child of it, since nobody would wait for its end.
tell_systemd() {
    local ready word
    rm -f -- "$RUN/ready"
    mkfifo -m 600 -- "$RUN/ready"
    (
        {
            read -r word || exit 0
            [[ $word != ready ]] || systemd-notify --ready
        } <"$RUN/ready" &
    )
    exec {ready}>"$RUN/ready"
    rm -f -- "$RUN/ready"
    export SLUICE_READY_FD=$ready
}

need_table() {
    [[ $1 != - ]] || die "the table must be a file; standard input is for --dm only"
    [[ -e $1 ]] || die "there is no table $1; write one, as docs/table.md says"
    [[ -f $1 ]] || die "the table $1 is not a file; name a text file"
    [[ -r $1 ]] || die "the table $1 cannot be read by user $EUID; chmod a+r allows it"
}

# Everything that would make the mount fail later, or worse, succeed over something else.
need_mount_point() {
    local dir
    dir=$(absolute "$1") || die "there is no directory $1; mkdir -p makes it"
    if find_mount "$dir" && [[ $MOUNT_TYPE == fuse* ]]; then
        case $(answer "$dir") in
        gone) die "$1 has a stale mount (Transport endpoint is not connected);" \
            "$SELF umount --force $1 clears it away" ;;
        *) is_sluice && die "$1 is a sluice mount already; $SELF umount $1 ends it" ;;
        esac
    fi
    [[ -e $1 ]] || die "there is no directory $1; mkdir -p makes it"
    [[ -d $1 ]] || die "$1 is not a directory; name an empty one"
    [[ -r $1 && -x $1 ]] || die "the directory $1 cannot be read by user $EUID;" \
        "chmod u+rx, or one of its own, will do"
    [[ -z $(ls -A -- "$1") ]] || die "the directory $1 is not empty, and a mount would" \
        "hide its files; name an empty one"
    if ((EUID != 0)); then
        [[ -w $1 ]] || die "user $EUID may not write to $1, which mounting on it as that" \
            "user needs; name a directory of its own"
    fi
}

# What the kernel and the system must have.
need_fuse() {
    local why
    [[ -e /dev/fuse ]] || die "there is no /dev/fuse; modprobe fuse makes it," \
        "a container must be given it (--device /dev/fuse)"
    if ! why=$({ : <>/dev/fuse; } 2>&1); then
        die "/dev/fuse cannot be opened (${why##*: });" \
            "root can, or others after chmod 666 /dev/fuse"
    fi
    if ((EUID != 0)) && ! command -v fusermount >/dev/null; then
        die "there is no fusermount, which mounting as user $EUID needs;" \
            "on Debian it is in the package fuse3"
    fi
    has_libfuse ||
        die "the library libfuse.so.2 is missing; on Debian it is in the package libfuse2"
}

has_libfuse() {
    local cache
    if cache=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null); then
        [[ $cache == *libfuse.so.2* ]]
    else
        compgen -G '/lib*/libfuse.so.2' >/dev/null || compgen -G '/usr/lib*/libfuse.so.2' >/dev/null
    fi
}

# Sets RUN to the runtime folder of this mount, locked while the mount is being made. A daemon
# whose mount was taken away by umount(8) may still be flushing what the new one would open.
take_runtime_folder() {
    RUN=$(runtime_folder "$1" "$EUID")
    make_runtime_folder "$RUN"
    exec {LOCK}<"$RUN"
    flock -n "$LOCK" || die "another mount on $1 is just being made; wait for it"
    await_end "$RUN" 10000 ||
        die "the daemon of the mount before (pid $(daemon_pid "$RUN")) has not yet" \
            "ended: it may still be flushing; try again later, its log is $RUN/log"
    rm -f -- "$RUN"/{pid,result,log,hs_err.log}
}

# Starts the daemon and waits for its word. The pipe's other end is the daemon's alone, so the
# wait ends with its death too.
start() {
    local dir=$1 ready word='' rc=0
    shift
    exec {ready}< <(
        close_inherited
        exec 9>&1 1>"$RUN/log" 2>&1 </dev/null
        export SLUICE_READY_FD=9 LC_ALL=C.UTF-8
        exec setsid "$@"
    )
    printf '%s\n' "$!" >"$RUN/pid"
    read -r -t "$MOUNT_LIMIT" word <&"$ready" || rc=$?
    case $word in
    ready)
        tell_umount "$dir"
        return
        ;;
    'error '*) say "${word#error }" ;;
    *)
        if ((rc > 128)); then
            say "the mount was not ready after $MOUNT_LIMIT s, and is given up; the log is $RUN/log"
        else
            say "the daemon ended before the mount was ready; the end of its log, $RUN/log:"
            tail -n 20 "$RUN/log" >&2
        fi
        ;;
    esac
    give_up "$dir" "$word"
    return 1
}

# Has umount(8) call its helper for this mount, which waits for the flush. Of a mount that it finds
# by statfs(2) alone it would not know the type; where mount(8) cannot say it, nothing is lost.
tell_umount() {
    local flags=nosuid,nodev
    ((EUID == 0)) && [[ -x /sbin/umount.fuse.sluice ]] || return 0
    # The mount keeps what it has.
    [[ ! -w $1 ]] && flags+=,ro
    timeout 5 mount --internal-only --options-mode=ignore \
        -o "remount,bind,$flags,uhelper=fuse.sluice" -- "$1" 2>/dev/null || true
}

# The daemon must not keep pipes of the caller open: who reads them would wait for its end.
close_inherited() {
    local fd
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        ((fd > 2 && fd != 255)) && eval "exec $fd>&-"
    done
    return 0
}

# Clears away what a failed mount has left; the log stays when it is all there is to know.
give_up() {
    local pid
    if ! await_end "$RUN" 3000 && pid=$(daemon_pid "$RUN"); then
        kill -KILL "$pid" 2>/dev/null || true
    fi
    if find_sluice "$1" && [[ $(answer "$1") == gone ]]; then
        unmount_lazily "$1"
    fi
    if [[ $2 == 'error '* ]]; then
        rm -rf -- "$RUN"
    else
        rm -f -- "$RUN/pid"
    fi
}
