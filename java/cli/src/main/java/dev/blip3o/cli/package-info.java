/**
 * The command line: {@code blip3o generate}, {@code edit}, {@code serve}, {@code inspect}, {@code
 * trace} and {@code bench}, and those of {@link dev.blip3o.cli.CommandProvider}s.
 *
 * <p>It stands on the Java API alone. Results go to standard output, progress and errors to
 * standard error. Exit codes are {@link dev.blip3o.cli.ExitCodes}.
 */
package dev.blip3o.cli;
