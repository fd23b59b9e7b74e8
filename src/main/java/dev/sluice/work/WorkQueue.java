package dev.sluice.work;

/** Where a device has carried out what may block: by a worker of the caller's cgroup. */
public interface WorkQueue {
    /**
     * Runs the work once, soon, in a worker. From any thread; does not wait. Throws when the mount
     * has ended or no worker can be made at all; then the work is not run.
     *
     * @param caller thread id of who asked; 0 when unknown, which is the root worker's
     */
    void run(int caller, Runnable work);

    /** Whether the calling thread is a worker, which may block. */
    boolean inWorker();

    /**
     * Whether the calling thread may do what hardly ever blocks, since another stands in for it
     * when it does after all; and need not have it charged to the caller.
     */
    boolean watched();
}
