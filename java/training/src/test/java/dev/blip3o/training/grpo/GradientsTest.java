package dev.blip3o.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GradientsTest {
  private PointerScope scope;
  private List<Parameter> parameters;

  @BeforeEach
  void open() {
    scope = new PointerScope();
    parameters =
        List.of(
            new Parameter("a", Tensors.leaf(new double[] {1, 2}, 2)),
            new Parameter("b", Tensors.leaf(new double[] {3}, 1)));
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** Makes the gradients these, or adds them to what is there. */
  private void backward(double a0, double a1, double b) {
    Tensor first = parameters.get(0).tensor().mul(Tensors.constant(new double[] {a0, a1}, 2));
    Tensor second = parameters.get(1).tensor().mul(Tensors.constant(new double[] {b}, 1));
    first.sum().add(second.sum()).backward();
  }

  private double[] gradient(int index) {
    return Tensors.values(parameters.get(index).tensor().grad());
  }

  @Test
  void theNormIsThatOfAllTogether() {
    backward(2, 3, 6);
    assertEquals(7, Gradients.norm(parameters), 1e-12);
  }

  @Test
  void piecesAddUpUntilTheyAreCleared() {
    Gradients.clear(parameters);
    backward(2, 3, 6);
    backward(1, 0, -6);
    assertArrayEquals(new double[] {3, 3}, gradient(0));
    Gradients.clear(parameters);
    backward(1, 1, 1);
    assertArrayEquals(new double[] {1, 1}, gradient(0));
    assertArrayEquals(new double[] {1}, gradient(1));
  }

  @Test
  void longOnesAreShortenedShortOnesStay() {
    backward(2, 3, 6);
    assertEquals(7, Gradients.clip(parameters, 8), 1e-12);
    assertArrayEquals(new double[] {2, 3}, gradient(0));
    assertEquals(7, Gradients.clip(parameters, 3.5), 1e-12);
    double factor = 3.5 / (7 + 1e-6);
    assertArrayEquals(new double[] {2 * factor, 3 * factor}, gradient(0), 1e-12);
    assertArrayEquals(new double[] {6 * factor}, gradient(1), 1e-12);
  }

  @Test
  void aGradientThatIsNotFiniteIsRefusedAndLeftAsItIs() {
    backward(2, Double.NaN, 6);
    GradientException e =
        assertThrows(GradientException.class, () -> Gradients.clip(parameters, 1));
    assertTrue(e.getMessage().contains("NaN"), e.getMessage());
    assertArrayEquals(new double[] {6}, gradient(1));
  }

  @Test
  void aMissingGradientIsNamed() {
    parameters.get(0).tensor().sum().backward();
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> Gradients.norm(parameters));
    assertTrue(e.getMessage().contains("'b'"), e.getMessage());
  }
}
