"""Running a restorer on crops, images and files, and exporting one."""
