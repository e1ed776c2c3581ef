"""Plots of measurements, by matplotlib and seaborn; each function writes an SVG and a PNG."""
