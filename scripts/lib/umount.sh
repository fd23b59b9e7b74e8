# shellcheck shell=bash
# umount: in peace, which flushes, or by force, which always ends.

# How long a daemon may flush after its mount is gone, in seconds.
readonly FLUSH_LIMIT=60

command_umount() {
    local force='' dir
    while (($# > 0)); do
        case $1 in
        --force) force=yes ;;
        --)
            shift
            break
            ;;
        -?*) usage_error "umount: there is no option $1" ;;
        *) break ;;
        esac
        shift
    done
    (($# == 1)) || usage_error "umount: it is umount [--force] DIR"
    dir=$(absolute "$1") || die "there is no directory $1; name that of a mount"
    if ! find_sluice "$dir"; then
        [[ -n $force ]] && end_leftover "$dir" && return
        die "$1 is not a sluice mount; findmnt -t fuse.sluice shows those that are"
    fi
    RUN=$(runtime_folder "$dir" "$MOUNT_UID")
    # This shell must not keep the mount busy itself.
    cd /
    if [[ -n $force ]]; then
        umount_by_force "$dir"
    else
        umount_in_peace "$dir"
    fi
}

umount_in_peace() {
    local dir=$1 held why
    case $(answer "$dir") in
    gone) die "the daemon of $dir is gone; $SELF umount --force $dir clears it away" ;;
    hung) die "the daemon of $dir does not answer; $SELF umount --force $dir ends it" ;;
    esac
    held=$(loops_on "$dir")
    if [[ -n $held ]]; then
        die "$dir is in use: $(name_loops "$held"); $SELF detach takes a loop device away"
    fi
    if ! why=$(unmount "$dir" 2>&1); then
        case $why in
        *busy*) die "$dir is in use$(users_of "$dir"); nothing was unmounted;" \
            "end that, or use $SELF umount --force $dir" ;;
        *) die "$dir could not be unmounted (${why##*: });" \
            "its owner or root can, $SELF umount --force $dir too" ;;
        esac
    fi
    await_end "$RUN" "${FLUSH_LIMIT}000" ||
        die "$dir is unmounted, but its daemon (pid $(daemon_pid "$RUN")) is still flushing" \
            "after $FLUSH_LIMIT s; its log is $RUN/log"
    report_result "$dir"
}

# Without umount(8)'s helper, which is this program again.
unmount() {
    if ((EUID == 0)); then
        umount --internal-only --no-canonicalize -- "$1"
    else
        fusermount -u -- "$1"
    fi
}

unmount_lazily() {
    if ((EUID == 0)); then
        timeout 5 umount --internal-only --no-canonicalize -l -- "$1"
    else
        timeout 5 fusermount -uz -- "$1"
    fi
}

# "/dev/loop0 holds swap, /dev/loop1 holds root"
name_loops() {
    local loop file text=
    while read -r loop file; do
        text+="${text:+, }/dev/$loop holds $file"
    done <<<"$1"
    printf '%s\n' "$text"
}

# " by pid 12 (fio), 13 (bash)", as far as this user may see; fuser(1) is not everywhere.
users_of() {
    local pattern pid name names=''
    pattern=$(printf '%s\n' "$1" | sed 's/[][*?\\]/\\&/g')
    while read -r pid; do
        # The processes that look are gone by now, or are this one.
        if ((pid != $$)) && { read -r name <"/proc/$pid/comm"; } 2>/dev/null; then
            names+="${names:+, }$pid ($name)"
        fi
    done < <(find /proc/[0-9]*/{cwd,root,fd} -maxdepth 1 \
        \( -lname "$pattern" -o -lname "$pattern/*" \) 2>/dev/null | cut -d/ -f3 | sort -nu)
    [[ -z $names ]] || printf ' by pid %s\n' "$names"
}

# The daemon's last word on what it flushed.
report_result() {
    local result=
    [[ -r $RUN/result ]] && read -r result <"$RUN/result"
    case $result in
    ok) rm -rf -- "$RUN" ;;
    '') die "$1 is unmounted, but its daemon left no result; its log is $RUN/log" ;;
    *) die "$1 is unmounted, but $result" ;;
    esac
}

# Nothing in here waits for the daemon or asks the mount: both may be stuck. First the connection
# is aborted, which ends every waiting request, then the mount goes, then the daemon.
umount_by_force() {
    local dir=$1 held abort
    held=$(loops_on "$dir")
    while find_sluice "$dir"; do
        abort=/sys/fs/fuse/connections/${MOUNT_DEV#*:}/abort
        if [[ -w $abort ]]; then
            printf '1\n' >"$abort"
        elif ((EUID == 0)); then
            # What the kernel does first is abort; that the mount stays busy is no news.
            timeout 5 umount --internal-only --no-canonicalize -f -- "$dir" 2>/dev/null || true
        fi
        find_sluice "$dir" || break
        unmount_lazily "$dir" || die "$dir could not be unmounted even by force;" \
            "its owner or root can"
    done
    end_daemon
    if [[ -n $held ]]; then
        say "$dir is gone, but $(name_loops "$held"); what uses it gets I/O errors until" \
            "$SELF detach"
    fi
    rm -rf -- "$RUN"
}

# A daemon without its mount, after a plain umount(8).
end_leftover() {
    RUN=$(runtime_folder "$1" "$EUID")
    daemon_pid "$RUN" >/dev/null || return 1
    end_daemon
    rm -rf -- "$RUN"
}

# Asks the daemon to end, and after a short while no longer asks.
end_daemon() {
    local pid
    pid=$(daemon_pid "$RUN") || return 0
    kill -TERM "$pid" 2>/dev/null || true
    await_end "$RUN" 700 && return
    pid=$(daemon_pid "$RUN") || return 0
    kill -KILL "$pid" 2>/dev/null || true
    await_end "$RUN" 10000 || die "the daemon (pid $pid) cannot be killed; it waits in the kernel," \
        "and ends when the disk below answers"
    say "the daemon (pid $pid) did not end and was killed; what it had not flushed is lost"
}
