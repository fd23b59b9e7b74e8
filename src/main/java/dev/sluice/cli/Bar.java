package dev.sluice.cli;

import dev.sluice.ploop.Progress;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** How far long work has come, on the terminal; silent where there is none. */
final class Bar implements Progress, AutoCloseable {
    private static final long MIB = 1 << 20;

    private final String task;
    private final boolean shown;
    private final String unit;
    private final long unitSize;
    private ProgressBar bar;

    /** Of bytes. */
    Bar(String task, boolean shown) {
        this(task, shown, "MiB", MIB);
    }

    /** Of anything, so many of which are one of the unit. */
    Bar(String task, boolean shown, String unit, long unitSize) {
        this.task = task;
        this.unit = unit;
        this.unitSize = unitSize;
        this.shown = shown && System.console() != null;
    }

    @Override
    public void at(long done, long total) {
        if (!shown) {
            return;
        }
        if (bar == null) {
            bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(total)
                    .setUnit(unit, unitSize).setUpdateIntervalMillis(200).build();
        }
        bar.maxHint(total);
        bar.stepTo(done);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
