"""What a clip shows, before anything is made of it: people, points, faces and a matte, as files that jobs take."""
