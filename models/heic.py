"""HEIC pictures, where pillow-heif is installed."""

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")


def _register() -> bool:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    # Only the picture itself: nothing else in the file is decoded.
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return True


HEIC_AVAILABLE = _register()


def is_heic(data: bytes) -> bool:
    """Whether the bytes name one of HEIC's brands, in their major or their compatible ones."""
    if data[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(data[:4]), 256, len(data))
    return any(data[at : at + 4] in HEIC_BRANDS for at in range(8, end, 4))
