/** What a training run leaves to read: its metrics as CSV, and a page of curves and pictures. */
package dev.blip3o.training.report;
