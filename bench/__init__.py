"""Speed, as ratios against a peer in the same run or against a stated bound. Run ``python -m bench``."""
