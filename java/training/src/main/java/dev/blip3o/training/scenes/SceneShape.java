package dev.blip3o.training.scenes;

import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.util.Locale;

/** The shapes. Each is drawn about the origin with radius 1, y downwards. */
public enum SceneShape {
  /** {@code circle}. */
  CIRCLE(new Ellipse2D.Double(-1, -1, 2, 2)),
  /** {@code square}. */
  SQUARE(new Rectangle2D.Double(-0.88, -0.88, 1.76, 1.76)),
  /** {@code triangle}. */
  TRIANGLE(polygon(0, -1, 0.95, 0.8, -0.95, 0.8)),
  /** {@code star}. */
  STAR(star()),
  /** {@code cross}. */
  CROSS(cross());

  private final Shape outline;

  SceneShape(Shape outline) {
    this.outline = outline;
  }

  /** The outline about (x, y) with radius r. */
  Shape outline(double x, double y, double r) {
    AffineTransform place = AffineTransform.getTranslateInstance(x, y);
    place.scale(r, r);
    return place.createTransformedShape(outline);
  }

  /** The outline, stretched so that its bounding box is the unit square. */
  Shape fitted() {
    Rectangle2D box = outline.getBounds2D();
    AffineTransform fit = AffineTransform.getScaleInstance(1 / box.getWidth(), 1 / box.getHeight());
    fit.translate(-box.getX(), -box.getY());
    return fit.createTransformedShape(outline);
  }

  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  String plural() {
    return word() + (this == CROSS ? "es" : "s");
  }

  private static Shape star() {
    double[] points = new double[20];
    for (int i = 0; i < 10; i++) {
      double angle = -Math.PI / 2 + i * Math.PI / 5;
      double radius = i % 2 == 0 ? 1.05 : 0.45;
      points[2 * i] = radius * Math.cos(angle);
      points[2 * i + 1] = radius * Math.sin(angle);
    }
    return polygon(points);
  }

  private static Shape cross() {
    double t = 0.34;
    return polygon(
        -t, -1, t, -1, t, -t, 1, -t, 1, t, t, t, t, 1, -t, 1, -t, t, -1, t, -1, -t, -t, -t);
  }

  private static Shape polygon(double... points) {
    Path2D path = new Path2D.Double();
    path.moveTo(points[0], points[1]);
    for (int i = 2; i < points.length; i += 2) {
      path.lineTo(points[i], points[i + 1]);
    }
    path.closePath();
    return path;
  }
}
