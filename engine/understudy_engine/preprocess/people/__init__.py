"""Who is in a clip: its shots, and everybody in them followed, named and chosen.

`survey.Survey` looks at the pictures, one at a time; all else is reckoned from the little that it keeps of each.
"""
