package dev.sluice.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Makes image files and looks after them, while no device has them open. */
@Command(name = "image", description = "Makes and looks after images in the ploop format.",
        subcommands = {ImageCreate.class, ImageInfo.class, ImageMap.class, ImageCheck.class,
            ImageConvert.class, ImageList.class, ImageSend.class,
            ImageReceive.class})
final class ImageCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "image needs a command:"
                + " create, info, map, check, convert, list, send or receive");
    }
}
