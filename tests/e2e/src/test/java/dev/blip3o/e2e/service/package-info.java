/** A service of many threads that share one model, and what its clients do to it. */
package dev.blip3o.e2e.service;
