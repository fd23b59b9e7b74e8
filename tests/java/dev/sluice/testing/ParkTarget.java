package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Limits;
import dev.sluice.block.Target;
import java.util.ArrayDeque;
import java.util.Deque;

/** Holds bios back until it is told to let go, or drained. Thread-safe. */
public final class ParkTarget implements Target {
    private final Target inner;
    private final Deque<Bio> parked = new ArrayDeque<>();

    public ParkTarget(Target inner) {
        this.inner = inner;
    }

    @Override
    public Limits limits() {
        return inner.limits();
    }

    @Override
    public void submit(Bio bio) {
        synchronized (this) {
            parked.add(bio);
        }
    }

    /** How many are held back. */
    public synchronized int parked() {
        return parked.size();
    }

    /** Carries the oldest one out; false when there is none. */
    public boolean letGo() {
        Bio bio;
        synchronized (this) {
            bio = parked.poll();
        }
        if (bio == null) {
            return false;
        }
        inner.submit(bio);
        return true;
    }

    /** Lets go of those held back now, and of none that come meanwhile. */
    @Override
    public void drain() {
        for (int n = parked(); n > 0; n--) {
            letGo();
        }
    }

    @Override
    public String arguments() {
        return "";
    }
}
