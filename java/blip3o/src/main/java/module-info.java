/** Pictures from text, and edited pictures, with BLIP3o-NEXT, on the JVM. */
module dev.blip3o {
  requires transitive java.desktop;
  requires ai.djl.api;
  requires ai.djl.tokenizers;
  requires com.drew.metadata;
  requires com.fasterxml.jackson.core;
  requires dev.blip3o.bindings;
  requires org.bytedeco.javacpp;

  exports dev.blip3o;
}
