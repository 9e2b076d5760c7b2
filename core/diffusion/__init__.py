"""Stills from text and walks between pictures, on a diffusion model (heavy ring)."""
