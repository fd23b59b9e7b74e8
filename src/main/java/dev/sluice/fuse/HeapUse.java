package dev.sluice.fuse;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** What a thread has taken from the heap so far: for data that a stack ends at once, nothing. */
final class HeapUse {
    private HeapUse() {}

    /** In bytes; -1 for a thread that has ended. */
    static long allocated(Thread thread) {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getThreadAllocatedBytes(thread.getId());
    }
}
