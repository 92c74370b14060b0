"""Generated requests against every operation of the OpenAPI document."""
