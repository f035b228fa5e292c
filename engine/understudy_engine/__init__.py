"""The model and all that touches pixels: a clip and a picture in, frames out.

It knows nothing of gRPC, jobs or a server's files. Importing this package does no work; importing
``understudy_engine.engine`` brings torch.
"""
