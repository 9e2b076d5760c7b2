"""Plain functions over Blender's data: no operator, no report. The only place that knows versions."""
