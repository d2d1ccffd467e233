package dev.blip3o.server.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class LifecycleTest {
  private final Lifecycle life = new Lifecycle();

  @Test
  void workIsTakenOnceTheModelIsOpen() {
    assertEquals(Health.STARTING, life.health());
    assertEquals(Optional.empty(), life.begin());
    assertTrue(life.health().live());
    assertFalse(life.health().ready());
    life.ready();
    assertTrue(life.health().ready());
    life.begin().orElseThrow();
    assertEquals(1, life.running());
  }

  @Test
  void aDrainWaitsForWhatIsUnderWay() {
    life.ready();
    Work first = life.begin().orElseThrow();
    Work second = life.begin().orElseThrow();
    life.drain();
    assertEquals(Health.DRAINING, life.health());
    assertTrue(life.health().live());
    assertEquals(End.CLOSED, life.ending().join());
    assertEquals(Optional.empty(), life.begin());
    first.close();
    first.close();
    assertFalse(life.drained().isDone());
    second.close();
    assertTrue(life.drained().isDone());
    assertFalse(life.ended().isDone());
    life.closed();
    assertEquals(End.CLOSED, life.ended().join());
    assertEquals(Health.CLOSED, life.health());
  }

  @Test
  void anIdleServerIsDrainedAtOnce() {
    life.ready();
    life.begin().orElseThrow().close();
    assertFalse(life.drained().isDone());
    life.drain();
    assertTrue(life.drained().isDone());
  }

  @Test
  void aLostDeviceIsNotHealthyAndTheReasonOfTheEnd() {
    life.ready();
    Work work = life.begin().orElseThrow();
    life.deviceLost();
    assertEquals(Health.DEVICE_LOST, life.health());
    assertFalse(life.health().live());
    assertFalse(life.health().ready());
    assertEquals(End.DEVICE_LOST, life.ending().join());
    life.drain();
    life.ready();
    assertEquals(Health.DEVICE_LOST, life.health());
    assertFalse(life.drained().isDone());
    work.close();
    assertTrue(life.drained().isDone());
    life.closed();
    assertEquals(End.DEVICE_LOST, life.ended().join());
  }

  @Test
  void aDeviceLostWhileDrainingIsTheReasonToo() {
    life.ready();
    life.begin().orElseThrow();
    life.drain();
    life.deviceLost();
    assertEquals(Health.DEVICE_LOST, life.health());
    life.closed();
    assertEquals(End.DEVICE_LOST, life.ended().join());
  }

  @Test
  void theEndIsFinal() {
    life.closed();
    life.closed();
    life.deviceLost();
    life.ready();
    assertEquals(Health.CLOSED, life.health());
    assertEquals(End.CLOSED, life.ended().join());
    assertEquals(Optional.empty(), life.begin());
  }
}
