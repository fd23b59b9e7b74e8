package dev.sluice.cli;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;

/** How often the garbage collector ran: a data path that allocates nothing leaves it alone. */
final class GarbageCollections {
    private GarbageCollections() {}

    static long count() {
        long n = 0;
        for (GarbageCollectorMXBean b : ManagementFactory.getGarbageCollectorMXBeans()) {
            n += b.getCollectionCount();
        }
        return n;
    }
}
