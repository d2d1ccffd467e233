/**
 * Metrics of a {@link dev.blip3o.Blip3oModel} for Micrometer. Start at {@link
 * dev.blip3o.micrometer.Blip3oMetrics}.
 */
package dev.blip3o.micrometer;
