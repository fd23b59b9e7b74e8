package dev.sluice.ploop;

/**
 * How an image is shown.
 *
 * @param path names it in sentences
 * @param word the path as it stands in a table line
 * @param direct whether it was opened past the page cache
 * @param tuning what can change in use
 */
public record Options(String path, String word, boolean direct, Tuning tuning) {
    /** An image through the page cache, with what is usual. */
    public static Options of(String path) {
        return new Options(path, path, false, Tuning.USUAL);
    }

    /** The same of another image. */
    Options at(String other) {
        return new Options(other, word, direct, tuning);
    }

    /** The same with other tuning. */
    public Options with(Tuning other) {
        return new Options(path, word, direct, other);
    }
}
