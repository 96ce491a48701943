"""What Streamlit runs. It only calls: this file's folder is on the import path of the whole process."""

from veriscope.app.shell import show

if __name__ == "__main__":  # Streamlit runs it under this name
    show()
