from coblyn.fit.need import MAIN, Measured, Need, Room, Space, room_for


def test_mapped_weights_are_what_memory_may_lack() -> None:
    measured = Measured((Need(MAIN, mapped=60, cache=30, process=10),))
    assert room_for(measured, [Space(MAIN, 100, 200)], 0) is Room.ALL
    assert room_for(measured, [Space(MAIN, 99, 200)], 0) is Room.WITHOUT_FILE
    assert room_for(measured, [Space(MAIN, 40, 200)], 0) is Room.WITHOUT_FILE
    assert room_for(measured, [Space(MAIN, 39, 200)], 0) is Room.NONE


def test_every_device_needs_room() -> None:
    measured = Measured((Need("CUDA0", weights=50), Need("CUDA1", weights=50), Need(MAIN, cache=5)))
    main = Space(MAIN, 10, 10)
    assert room_for(measured, [Space("CUDA0", 50, 50), Space("CUDA1", 50, 50), main], 0) is Room.ALL
    assert (
        room_for(measured, [Space("CUDA0", 50, 50), Space("CUDA1", 49, 50), main], 0) is Room.NONE
    )
    assert room_for(measured, [Space("CUDA0", 50, 50), main], 0) is Room.ALL


def test_a_device_that_shares_main_memory_takes_from_it() -> None:
    measured = Measured((Need("MTL0", weights=50), Need(MAIN, cache=20)))
    device = Space("MTL0", 60, 60, is_shared=True)
    assert room_for(measured, [device, Space(MAIN, 70, 70)], 0) is Room.ALL
    assert room_for(measured, [device, Space(MAIN, 69, 70)], 0) is Room.NONE


def test_a_device_that_tells_nothing_has_room() -> None:
    measured = Measured((Need("Vulkan0", weights=50),))
    assert room_for(measured, [Space("Vulkan0", 0, 0)], 5) is Room.ALL


def test_the_margin_stays_free() -> None:
    measured = Measured((Need(MAIN, cache=91),))
    assert room_for(measured, [Space(MAIN, 100, 100)], 10) is Room.NONE
    assert room_for(measured, [Space(MAIN, 100, 100)], 9) is Room.ALL
