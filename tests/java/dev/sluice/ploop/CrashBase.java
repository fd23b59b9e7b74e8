package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.block.Op;
import dev.sluice.block.Target;
import dev.sluice.storage.Backing;
import dev.sluice.testing.MemoryFile;
import dev.sluice.testing.SectorOracle;
import dev.sluice.testing.SimHost;
import dev.sluice.work.Host;
import java.util.List;
import java.util.Random;

/** What lies below the image of a crash job. */
final class CrashBase {
    private static final int SECTOR = MemoryFile.SECTOR;

    private CrashBase() {}

    /** A raw file that has something for most of a disk, all of it durable writes of the disk's. */
    static MemoryFile create(CrashJob.Plan plan, SectorOracle oracle, Random random) {
        int sectors = (int) (plan.size() - 2L * plan.cluster()) / SECTOR;
        int block = Math.max(1, plan.blockSize() / SECTOR);
        int end = (sectors - random.nextInt(plan.cluster() / SECTOR)) / block * block;
        MemoryFile below = new MemoryFile((long) end * SECTOR, plan.blockSize());
        for (int at = 0; at < end;) {
            int count = Math.min(end - at, block * (1 + random.nextInt(64)));
            if (random.nextInt(5) > 0) {
                Memory data = SimHost.memory(count * SECTOR);
                SectorOracle.Ticket ticket = oracle.begin(Op.WRITE, (long) at * SECTOR,
                        (long) count * SECTOR, false, data, false);
                below.write((long) at * SECTOR, data, 0, count * SECTOR);
                oracle.end(ticket, Errno.OK, null, 0);
            }
            at += count;
        }
        oracle.closed();
        return below;
    }

    /** The target that the program has, on what lies below, or null for nothing. */
    static Target ploop(Backing backing, MemoryFile below, Host host, CrashJob.Plan plan)
            throws BlockException {
        List<Lower> lowers = below == null ? List.of()
                : List.of(new Lower("base", new SealedBacking(below), true));
        Tuning tuning = new Tuning(plan.dirtyTimeoutMillis() * 1_000_000L, -1,
                Tuning.USUAL.ratio(), plan.clusters() % 4 == 0, true, plan.prealloc(), 100);
        return Ploop.open(backing, lowers, Options.of("image").with(tuning), host, "p");
    }
}
