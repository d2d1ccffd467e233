/** Tests of what {@code deploy/} holds: rendered, linted and read as those who run it read it. */
package dev.blip3o.deploy;
