package dev.blip3o.cli;

/**
 * A safetensors file that can't be read: the message names the file, the field, what was expected
 * and found.
 */
public final class SafetensorsException extends CliException {
  private static final long serialVersionUID = 1L;

  SafetensorsException(String message) {
    super(message);
  }

  SafetensorsException(String message, Throwable cause) {
    super(message, cause);
  }
}
