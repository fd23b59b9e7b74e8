package dev.sluice.testing;

import dev.sluice.block.Bio;
import dev.sluice.block.Device;
import dev.sluice.block.Limits;
import dev.sluice.block.Op;
import dev.sluice.block.Target;

/**
 * A layer that passes all on to the device below, shifted, and cut where a stripe ends: so that
 * bios get parts.
 */
public final class PassTarget implements Target {
    private final Device lower;
    private final Limits limits;
    private final long shift;
    private final long stripe;

    /** Passes whole bios on. */
    public PassTarget(Device lower) {
        this(lower, 0, lower.limits().size(), Long.MAX_VALUE);
    }

    /** A window of the device below, with bios cut every {@code stripe} bytes of the window. */
    public PassTarget(Device lower, long shift, long size, long stripe) {
        this.lower = lower;
        this.shift = shift;
        this.stripe = stripe;
        this.limits = lower.limits().inherit(size);
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void submit(Bio bio) {
        if (bio.op() == Op.FLUSH) {
            lower.submit(bio.part(0, 0, 0));
        }
        for (long at = 0; at < bio.length(); ) {
            long place = bio.offset() + at;
            long length = Math.min(bio.length() - at, stripe - place % stripe);
            lower.submit(bio.part(at, length, shift + place));
            at += length;
        }
        bio.complete();
    }

    @Override
    public String arguments() {
        return lower.name();
    }
}
