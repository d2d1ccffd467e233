package dev.blip3o.presets;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to bind {@code blip3o/blip3o.h}, the whole C interface of the runtime.
 *
 * <p>The libraries are loaded in the order in which they need each other: OpenMP, oneDNN, Highway,
 * the runtime, the generated glue.
 *
 * <p>The extension names a second folder of the same libraries, in a jar of its own, whose runtime
 * has the CUDA backend too: where both are on the class path the loader looks there first.
 */
@Properties(
    value = {
      @Platform(
          value = "linux-x86_64",
          compiler = "cpp20",
          include = "blip3o/blip3o.h",
          preload = {"gomp@.1", "dnnl@.3", "hwy@.1"},
          link = "blip3o",
          library = "jniblip3o"),
      @Platform(value = "linux-x86_64", extension = "-cuda")
    },
    target = "dev.blip3o.bindings",
    global = "dev.blip3o.bindings.Blip3o")
public class Blip3oPreset implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    infoMap
        .put(new Info("BLIP3O_API").cppTypes().annotations().cppText(""))
        // Text is UTF-8 on both sides; JavaCPP's own String overloads would use the JVM's default
        // charset, so that only pointers are bound.
        .put(
            new Info("const char")
                .valueTypes("byte")
                .pointerTypes("@Cast(\"const char*\") BytePointer"));
  }
}
