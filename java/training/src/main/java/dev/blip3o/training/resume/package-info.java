/**
 * What a checkpoint holds beside its model, so that training goes on from it as if it had never
 * stopped: the step, the settings, the weights in full precision and the optimiser's state.
 */
package dev.blip3o.training.resume;
