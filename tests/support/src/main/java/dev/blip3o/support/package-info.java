/** What tests of several modules share. It is no part of what is shipped. */
package dev.blip3o.support;
