package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Target;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;
import java.util.List;
import java.util.Random;

/** Images that are compacted and grow while a crash job is at them. */
final class CrashLife implements CrashOpener {
    private static final int MORE = 200;

    private final Random random;
    private final int most;
    private Ploop ploop;
    private long size;
    private int asks;
    private int steps;
    /** How many were done. */
    int grown;
    int compacted;

    CrashLife(long seed, CrashJob.Plan plan) {
        this.random = new Random(seed);
        this.most = plan.clusters() + MORE;
    }

    /** Clusters so small that the table soon needs more of them. */
    static CrashJob.Plan plan(Random random) {
        int cluster = random.nextInt(3) == 0 ? 1024 : 512;
        int version = random.nextInt(6) == 0 ? 1 : 2;
        int block = random.nextBoolean() ? 1 : 512;
        int[] timeouts = {0, 1, 20, 1000};
        return new CrashJob.Plan(version, cluster, 20 + random.nextInt(100),
                random.nextInt(2) * random.nextInt(8), version == 2 && random.nextInt(4) == 0,
                block, (long) cluster << random.nextInt(5), timeouts[random.nextInt(4)], 14);
    }

    @Override
    public long most(CrashJob.Plan plan) {
        return (long) most * plan.cluster();
    }

    @Override
    public Target open(Backing backing, Host host, CrashJob.Plan plan) throws BlockException {
        size = 0;
        ploop = (Ploop) CrashJob.ploop(backing, host, plan);
        asks = 1 + random.nextInt(4);
        later(host, plan);
        return ploop;
    }

    /** Whether it is in the midst of something. */
    boolean working() {
        return ploop != null && !ploop.status().get("work").equals("");
    }

    private void later(Host host, CrashJob.Plan plan) {
        steps = random.nextInt(100);
        host.queues().of("p").run(0, () -> tick(host, plan));
    }

    private void tick(Host host, CrashJob.Plan plan) {
        String last = (String) ploop.status().get("last_work");
        if (steps-- > 0) {
            host.queues().of("p").run(0, () -> tick(host, plan));
            return;
        }
        grown += last.equals("grow: done") ? 1 : 0;
        compacted += last.startsWith("compact: done") ? 1 : 0;
        try {
            int what = random.nextInt(9);
            if (what == 0) {
                ploop.message(List.of("cancel"));
            } else if (what < 5) {
                ploop.message(List.of("compact"));
            } else {
                long now = ploop.limits().size() / plan.cluster();
                ploop.grow((now + random.nextInt(1 + (int) Math.min(most - now, 90)))
                        * plan.cluster());
            }
        } catch (BlockException e) {
            if (e.errno() != Errno.EBUSY && e.errno() != Errno.ENOENT && e.errno() != Errno.EIO) {
                throw new AssertionError(e);
            }
        }
        if (--asks > 0) {
            later(host, plan);
        }
    }

    /** What users were told of the size is so for good. */
    @Override
    public void judge(CrashImage image) {
        size = Math.max(size, ploop == null ? 0 : ploop.limits().size());
        if (image.diskBytes() < size) {
            throw new AssertionError("the disk has " + image.diskBytes() + " bytes, and had "
                    + size + " before");
        }
    }
}
