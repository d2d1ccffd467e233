package dev.blip3o.training.scenes;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/** Paints scenes. */
public final class ScenePainter {
  private ScenePainter() {}

  /**
   * The scene as a square picture with smooth edges.
   *
   * @param size its side, pixels
   */
  public static BufferedImage paint(Scene scene, int size) {
    BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    graphics.setColor(scene.background().color());
    graphics.fillRect(0, 0, size, size);
    for (Scene.Item item : scene.items()) {
      graphics.setColor(item.thing().color().color());
      graphics.fill(
          item.thing().shape().outline(item.x() * size, item.y() * size, item.r() * size));
    }
    graphics.dispose();
    return image;
  }
}
