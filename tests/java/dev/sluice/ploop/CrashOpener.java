package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Target;
import dev.sluice.storage.Backing;
import dev.sluice.work.Host;

/** Makes the target of a crash job, on a new machine. */
interface CrashOpener {
    Target open(Backing backing, Host host, CrashJob.Plan plan) throws BlockException;

    /** The size that the disk may ever have. */
    default long most(CrashJob.Plan plan) {
        return plan.size();
    }

    /** Looks at what a power failure leaves. */
    default void judge(CrashImage image) {}
}
