/** What a run is made of beside its steps: its folder, its order of prompts, its random numbers. */
package dev.blip3o.training.run;
