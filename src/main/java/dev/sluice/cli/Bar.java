package dev.sluice.cli;

import dev.sluice.ploop.Progress;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** How far long work has come, on the terminal; silent where there is none. */
final class Bar implements Progress, AutoCloseable {
    private static final long MIB = 1 << 20;

    private final String task;
    private final boolean shown;
    private ProgressBar bar;

    Bar(String task, boolean shown) {
        this.task = task;
        this.shown = shown && System.console() != null;
    }

    @Override
    public void at(long done, long total) {
        if (!shown) {
            return;
        }
        if (bar == null) {
            bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(total)
                    .setUnit("MiB", MIB).setUpdateIntervalMillis(200).build();
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
