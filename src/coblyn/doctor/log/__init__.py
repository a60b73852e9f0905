"""What a build wrote: from any bytes to the lines that matter. Knows no cause."""
