/** A model's metrics as Micrometer meters. */
module dev.blip3o.micrometer {
  requires transitive dev.blip3o;
  requires transitive micrometer.core;

  exports dev.blip3o.micrometer;
}
