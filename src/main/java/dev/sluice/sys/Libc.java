package dev.sluice.sys;

import jnr.ffi.LibraryLoader;

/**
 * The C library, as far as it is used. Addresses are longs, so a call allocates nothing; all
 * answer -1 and set errno ({@link Native#errno}) on failure. Functions with six arguments are not
 * called directly: the binding's x86-64 stubs get exactly six wrong, so those go through
 * {@link #syscall}, which has seven.
 */
@SuppressWarnings("checkstyle:MethodName")
public interface Libc {
    /** The one instance. */
    Libc LIBC = LibraryLoader.create(Libc.class).load("c");

    int open(CharSequence path, int flags, int mode);

    int close(int fd);

    long read(int fd, long buffer, long count);

    long readv(int fd, long vector, int count);

    long write(int fd, long buffer, long count);

    long writev(int fd, long vector, int count);

    long pread(int fd, long buffer, long count, long offset);

    long pwrite(int fd, long buffer, long count, long offset);

    /** Linux' preadv2: the flags make a read that would wait answer EAGAIN. */
    long preadv2(int fd, long vector, int count, long offset, int flags);

    /** Linux' pwritev2: the flags make a write that would wait answer EAGAIN. */
    long pwritev2(int fd, long vector, int count, long offset, int flags);

    int fsync(int fd);

    int fdatasync(int fd);

    int ftruncate(int fd, long length);

    int fallocate(int fd, int mode, long offset, long length);

    long lseek(int fd, long offset, int whence);

    int fcntl(int fd, int command, long argument);

    int ioctl(int fd, long request, long argument);

    int eventfd(int initial, int flags);

    int epoll_create1(int flags);

    int epoll_ctl(int epoll, int operation, int fd, long event);

    int epoll_wait(int epoll, long events, int most, int timeoutMillis);

    int getrusage(int who, long buffer);

    int pipe2(long twoFds, int flags);

    int madvise(long address, long length, int advice);

    int munmap(long address, long length);

    int mlockall(int flags);

    int umount2(CharSequence path, int flags);

    int fstat(int fd, long buffer);

    int geteuid();

    int getegid();

    long syscall(long number, long a, long b, long c, long d, long e, long f);

    /** For calls of three arguments: the binding makes an object of more than six. */
    long syscall(long number, long a, long b, long c);
}
