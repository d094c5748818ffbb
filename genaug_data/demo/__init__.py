"""The quickstart: the main job on real digits, and an honest comparison."""
