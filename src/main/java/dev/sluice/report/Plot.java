package dev.sluice.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Curves over two axes, as SVG that stands by itself. */
final class Plot {
    private static final int WIDTH = 460;
    private static final int HEIGHT = 240;
    private static final int LEFT = 58;
    private static final int RIGHT = 18;
    private static final int TOP = 12;
    private static final int BOTTOM = 44;

    private final String title;
    private final Axis x;
    private final Axis y;
    private final List<Series> series = new ArrayList<>();

    /** What an axis is about; what is null follows from the curves. */
    record Axis(String label, boolean log, Double least, Double most, List<Double> ticks) {
        static Axis linear(String label) {
            return new Axis(label, false, 0.0, null, null);
        }

        static Axis log(String label) {
            return new Axis(label, true, null, null, null);
        }

        /** All of a hundred. */
        static Axis percent(String label) {
            return new Axis(label, false, 0.0, 100.0, null);
        }

        /** These values, each twice or more the one before. */
        static Axis steps(String label, List<Double> values) {
            return new Axis(label, true, values.get(0), values.get(values.size() - 1), values);
        }
    }

    /**
     * A curve.
     *
     * @param expected drawn in dashes: what was asked for, or could be
     * @param marked has a dot at each point, with its figures for who points there
     */
    record Series(String name, boolean expected, boolean marked, List<double[]> points) {}

    Plot(String title, Axis x, Axis y) {
        this.title = title;
        this.x = x;
        this.y = y;
    }

    Plot add(String name, boolean expected, boolean marked, List<double[]> points) {
        if (!points.isEmpty()) {
            series.add(new Series(name, expected, marked, points));
        }
        return this;
    }

    /** The picture with its title and legend. */
    String html() {
        StringBuilder out = new StringBuilder();
        out.append("<figure class=\"plot\"><figcaption>").append(Page.text(title))
                .append("</figcaption><div class=\"legend\">");
        for (int i = 0; i < series.size(); i++) {
            out.append("<span class=\"c").append(i % 5).append("\"><i class=\"")
                    .append(series.get(i).expected ? "dashed" : "solid").append("\"></i>")
                    .append(Page.text(series.get(i).name)).append("</span>");
        }
        out.append("</div><svg viewBox=\"0 0 ").append(WIDTH).append(' ').append(HEIGHT)
                .append("\" role=\"img\">");
        out.append("<title>").append(Page.text(title)).append("</title>");
        Scale across = new Scale(x, values(0), LEFT, WIDTH - RIGHT);
        Scale up = new Scale(y, values(1), HEIGHT - BOTTOM, TOP);
        grid(out, across, up);
        for (int i = 0; i < series.size(); i++) {
            curve(out, series.get(i), i, across, up);
        }
        return out.append("</svg></figure>\n").toString();
    }

    private double[] values(int axis) {
        return series.stream().flatMap(s -> s.points.stream()).mapToDouble(p -> p[axis])
                .toArray();
    }

    private void grid(StringBuilder out, Scale across, Scale up) {
        for (double tick : across.ticks()) {
            line(out, "grid", across.at(tick), TOP, across.at(tick), HEIGHT - BOTTOM);
            label(out, across.at(tick), HEIGHT - BOTTOM + 16, "middle", figure(tick));
        }
        for (double tick : up.ticks()) {
            line(out, "grid", LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick));
            label(out, LEFT - 6, up.at(tick) + 4, "end", figure(tick));
        }
        line(out, "axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
        line(out, "axis", LEFT, TOP, LEFT, HEIGHT - BOTTOM);
        label(out, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, "middle", x.label);
        out.append("<text class=\"name\" text-anchor=\"middle\" transform=\"translate(14 ")
                .append((TOP + HEIGHT - BOTTOM) / 2).append(") rotate(-90)\">")
                .append(Page.text(y.label)).append("</text>");
    }

    private void curve(StringBuilder out, Series one, int number, Scale across, Scale up) {
        StringBuilder points = new StringBuilder();
        for (double[] p : one.points) {
            points.append(fixed(across.at(p[0]))).append(',').append(fixed(up.at(p[1])))
                    .append(' ');
        }
        out.append("<polyline class=\"c").append(number % 5).append(one.expected ? " dashed" : "")
                .append("\" points=\"").append(points.toString().strip()).append("\"/>");
        for (double[] p : one.marked ? one.points : List.<double[]>of()) {
            out.append("<circle class=\"c").append(number % 5).append("\" r=\"3.2\" cx=\"")
                    .append(fixed(across.at(p[0]))).append("\" cy=\"")
                    .append(fixed(up.at(p[1]))).append("\"><title>")
                    .append(Page.text(one.name + ": " + x.label + " " + figure(p[0]) + ", "
                            + y.label + " " + figure(p[1]))).append("</title></circle>");
        }
    }

    private static void line(StringBuilder out, String style, double x1, double y1, double x2,
            double y2) {
        out.append("<line class=\"").append(style).append("\" x1=\"").append(fixed(x1))
                .append("\" y1=\"").append(fixed(y1)).append("\" x2=\"").append(fixed(x2))
                .append("\" y2=\"").append(fixed(y2)).append("\"/>");
    }

    private static void label(StringBuilder out, double x, double y, String anchor,
            String text) {
        out.append("<text x=\"").append(fixed(x)).append("\" y=\"").append(fixed(y))
                .append("\" text-anchor=\"").append(anchor).append("\">")
                .append(Page.text(text)).append("</text>");
    }

    private static String fixed(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    /** A figure as a person writes it: 1.2k, 35, 0.04. */
    static String figure(double value) {
        double size = Math.abs(value);
        String[] suffixes = {"", "k", "M", "G"};
        int i = 0;
        double rest = value;
        while (Math.abs(rest) >= 999.5 && i < suffixes.length - 1) {
            rest /= 1000;
            i++;
        }
        int digits = size == 0 ? 0 : size >= 1 ? Math.abs(rest) >= 9.95 ? 0 : 1
                : Math.min(6, 1 - (int) Math.floor(Math.log10(size)));
        String text = String.format(Locale.ROOT, "%." + digits + "f", rest);
        return (text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text) + suffixes[i];
    }

    /** From values to places, with round ticks. */
    static final class Scale {
        private final boolean log;
        private final double from;
        private final double until;
        private final double start;
        private final double end;
        private final List<Double> ticks = new ArrayList<>();

        Scale(Axis axis, double[] values, double start, double end) {
            this.log = axis.log;
            this.start = start;
            this.end = end;
            double least = axis.least != null ? axis.least : Double.MAX_VALUE;
            double most = axis.most != null ? axis.most : -Double.MAX_VALUE;
            for (double v : values) {
                least = axis.least != null ? least : Math.min(least, v);
                most = axis.most != null ? most : Math.max(most, v);
            }
            if (axis.ticks != null) {
                from = least;
                until = most;
                ticks.addAll(axis.ticks);
            } else if (log) {
                from = Math.pow(10, Math.floor(Math.log10(least) + 1e-9));
                until = Math.max(from * 10, Math.pow(10, Math.ceil(Math.log10(most) - 1e-9)));
                logTicks();
            } else {
                double step = step(most - least);
                from = least;
                until = axis.most != null ? most
                        : least + Math.max(1, Math.ceil((most - least) / step - 1e-9)) * step;
                for (int i = 0; from + i * step <= until + step / 1e6; i++) {
                    ticks.add(from + i * step);
                }
            }
        }

        /** Whole decades, and between few of them also doubles and fives. */
        private void logTicks() {
            boolean dense = until / from < 1.5e3;
            for (double decade = from; decade <= until * 1.000001; decade *= 10) {
                for (double part : dense ? new double[] {1, 2, 5} : new double[] {1}) {
                    if (decade * part <= until * 1.000001) {
                        ticks.add(decade * part);
                    }
                }
            }
        }

        private static double step(double range) {
            double raw = Math.max(range, 1e-9) / 5;
            double decade = Math.pow(10, Math.floor(Math.log10(raw)));
            for (double part : new double[] {1, 2, 5}) {
                if (decade * part >= raw * 0.999) {
                    return decade * part;
                }
            }
            return decade * 10;
        }

        List<Double> ticks() {
            return ticks;
        }

        double at(double value) {
            double part = log
                    ? Math.log10(Math.max(value, from) / from) / Math.log10(until / from)
                    : (value - from) / (until - from);
            return start + Math.max(0, Math.min(1, part)) * (end - start);
        }
    }
}
