package dev.blip3o;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The traces of the API against those of the reference, in F32 compute. */
class GoldenTraceTest {
  private static final double MAX_RELATIVE_ERROR = 1e-4;
  private static final int MAX_PIXEL_DIFFERENCE = 1;

  /** How safe the reference's choices are: not computed here. */
  private static final Set<String> NOT_COMPARED =
      Set.of("token_margin", "reference_token_margin.0", "reference_token_margin.1");

  @ParameterizedTest
  @CsvSource({
    "tiny,0", "tiny,1", "tiny,2", "table,0", "table,1", "table,2", "tied,0", "demo,0", "demo,1"
  })
  void everyTensorIsTheReferences(String name, int number) {
    Golden.Job job = Golden.job(name, number);
    ModelOptions options = ModelOptions.builder().compute(Compute.F32).build();
    try (Blip3oModel model = Blip3oModel.open(Golden.model(name), options)) {
      Noise noise = noise(job.trace().get("noise"));
      InputImage[] references = job.references().toArray(InputImage[]::new);
      Trace trace =
          model.trace(
              TraceRequest.of(job.prompt(), noise, job.steps(), job.guidance(), references));
      Set<String> names = new TreeSet<>(job.trace().keySet());
      names.removeAll(NOT_COMPARED);
      assertEquals(
          names, new TreeSet<>(trace.tensors().stream().map(Trace.NamedTensor::name).toList()));
      trace.tensors().forEach(tensor -> compare(job.trace().get(tensor.name()), tensor));
    }
  }

  private static Noise noise(Golden.Tensor tensor) {
    long[] shape = tensor.shape();
    return Noise.of((int) shape[0], (int) shape[1], (int) shape[2], tensor.floats());
  }

  private static void compare(Golden.Tensor expected, Trace.NamedTensor found) {
    assertEquals(expected.dtype(), found.dtype().name(), found.name());
    assertArrayEquals(expected.shape(), found.shape(), found.name());
    switch (found.dtype()) {
      case I64 -> assertEquals(expected.data(), found.data(), found.name());
      case F32 -> compareFloats(expected.floats(), found);
      case U8 -> comparePixels(expected.data(), found.data());
    }
  }

  private static void compareFloats(float[] expected, Trace.NamedTensor found) {
    double difference = 0;
    double norm = 0;
    ByteBuffer data = found.data().order(ByteOrder.LITTLE_ENDIAN);
    for (float value : expected) {
      double delta = data.getFloat() - (double) value;
      difference += delta * delta;
      norm += (double) value * value;
    }
    double error = Math.sqrt(difference / norm);
    assertTrue(error <= MAX_RELATIVE_ERROR, found.name() + " has relative error " + error);
  }

  private static void comparePixels(ByteBuffer expected, ByteBuffer found) {
    for (int i = 0; i < expected.capacity(); i++) {
      int difference = Math.abs((expected.get(i) & 0xFF) - (found.get(i) & 0xFF));
      assertTrue(difference <= MAX_PIXEL_DIFFERENCE, "byte " + i + " differs by " + difference);
    }
  }
}
