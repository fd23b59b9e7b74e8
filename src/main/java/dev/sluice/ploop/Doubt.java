package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A file that is about to be named by a descriptor, or about not to be any more.
 *
 * @param made whether it is made, and holds nothing before it is named; else it is to go
 * @param file what a descriptor calls it
 * @param mark of the file that is to go; nothing of one that is made
 */
public record Doubt(boolean made, String file, String mark) {
    private static final String MADE = "made";
    private static final String GOES = "goes";

    /** One a line. */
    static String text(List<Doubt> doubts) {
        StringBuilder text = new StringBuilder();
        for (Doubt doubt : doubts) {
            text.append(doubt.made ? MADE : GOES).append(' ')
                    .append(URLEncoder.encode(doubt.file, StandardCharsets.UTF_8)).append(' ')
                    .append(doubt.mark).append('\n');
        }
        return text.toString();
    }

    /** What {@link #text} said, of a file of that name. */
    static List<Doubt> parse(String path, String text) throws BlockException {
        List<Doubt> doubts = new ArrayList<>();
        for (String line : text.lines().toList()) {
            String[] words = line.split(" ", -1);
            boolean right = words.length == 3 && (words[0].equals(MADE) || words[0].equals(GOES));
            try {
                if (right) {
                    doubts.add(new Doubt(words[0].equals(MADE),
                            URLDecoder.decode(words[1], StandardCharsets.UTF_8), words[2]));
                    continue;
                }
            } catch (IllegalArgumentException e) {
                // Refused below.
            }
            throw new BlockException(Errno.EINVAL, path + " has the line " + line + "; right would"
                    + " be " + MADE + " or " + GOES + ", a name and a mark. Nothing that it names"
                    + " is removed; delete it once you know what to keep");
        }
        return doubts;
    }
}
